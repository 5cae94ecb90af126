"""The seam of admission: who is refused before it is queued."""

from typing import Protocol

from evenhand.model import Outcome, Request, Usage
from evenhand.scheduling.decisions import Refusal
from evenhand.scheduling.node import Node


class Admission(Protocol):
    """Asked once for each arrival that a served model and room in the tenant's queue would let in."""

    def refusal(self, request: Request, leaf: Node, now_ms: int) -> Refusal | None:
        """Why it is refused, at once and with an honest time to come back; None: it is admitted, and
        counted."""

    def ended(
        self, request: Request, leaf: Node, usage: Usage, outcome: Outcome, now_ms: int
    ) -> None:
        """An admitted request is over, whether it ran or not (then its usage is nothing). Once each."""

    def forget(self, leaf: Node) -> None:
        """The tenant has long been idle, or has been taken out of the tree."""
