"""An admission that tells which calls belong together of every request that it lets in."""

from evenhand.model import Outcome, Request, Usage
from evenhand.scheduling.admission.overload import OverloadStatus
from evenhand.scheduling.admission.protocol import Admission
from evenhand.scheduling.decisions import Refusal
from evenhand.scheduling.interactions import Interactions
from evenhand.scheduling.node import Node
from evenhand.scheduling.parts import Ground

_NEVER_RAN = frozenset({Outcome.CANCELLED_QUEUED, Outcome.QUEUED_TOO_LONG, Outcome.SHED})


class Following:
    """Decides as the admission it is put around, and keeps the interactions up to date."""

    def __init__(self, admission: Admission, interactions: Interactions) -> None:
        self._admission = admission
        self._interactions = interactions

    def refusal(self, request: Request, leaf: Node, now_ms: int) -> Refusal | None:
        refusal = self._admission.refusal(request, leaf, now_ms)
        if refusal is None:
            self._interactions.called(request, leaf, now_ms)
        return refusal

    def ended(
        self, request: Request, leaf: Node, usage: Usage, outcome: Outcome, now_ms: int
    ) -> None:
        self._admission.ended(request, leaf, usage, outcome, now_ms)
        has_run = outcome not in _NEVER_RAN
        self._interactions.ended(request, leaf, now_ms, has_run=has_run)

    def overload(self) -> OverloadStatus | None:
        return self._admission.overload()

    def forget(self, leaf: Node) -> None:
        self._admission.forget(leaf)
        self._interactions.forget(leaf)


def follow_interactions(admission: Admission, ground: Ground) -> Admission:
    """The admission itself where no part asks for interactions."""
    if ground.interactions is None:
        return admission
    return Following(admission, ground.interactions)
