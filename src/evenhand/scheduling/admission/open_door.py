"""Everybody is admitted; the limits of the queue are all that refuses."""

from evenhand.model import Outcome, Request, Usage
from evenhand.scheduling.admission.overload import OverloadStatus
from evenhand.scheduling.admission.protocol import Admission
from evenhand.scheduling.decisions import Refusal
from evenhand.scheduling.node import Node


class OpenDoor:
    """Refuses nobody."""

    def refusal(self, request: Request, leaf: Node, now_ms: int) -> Refusal | None:
        del request, leaf, now_ms
        return None

    def ended(
        self, request: Request, leaf: Node, usage: Usage, outcome: Outcome, now_ms: int
    ) -> None:
        """Nothing is counted."""

    def overload(self) -> OverloadStatus | None:
        return None

    def forget(self, leaf: Node) -> None:
        """Nothing is kept."""


_: type[Admission] = OpenDoor
