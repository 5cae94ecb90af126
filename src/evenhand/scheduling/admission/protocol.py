"""The seam of admission: who is refused before it is queued."""

from typing import Protocol

from evenhand.model import Outcome, Request, Usage
from evenhand.scheduling.admission.overload import OverloadStatus
from evenhand.scheduling.decisions import Refusal
from evenhand.scheduling.node import Node


class Admission(Protocol):
    """Asked for each arrival that a served model and room in the tenant's queue would let in. A refusal
    changes nothing: it is asked again for one that a free slot would have let start at once."""

    def refusal(self, request: Request, leaf: Node, now_ms: int) -> Refusal | None:
        """Why it is refused, at once and with an honest time to come back; None: it is admitted, and
        counted."""

    def ended(
        self, request: Request, leaf: Node, usage: Usage, outcome: Outcome, now_ms: int
    ) -> None:
        """An admitted request is over, whether it ran or not (then its usage is nothing). Once each."""

    def overload(self) -> OverloadStatus | None:
        """How loaded the engines are; None for an admission that does not ask. Changes nothing."""

    def forget(self, leaf: Node) -> None:
        """The tenant has long been idle, or has been taken out of the tree."""
