"""What looks like abuse: who, how often, since when, and on what evidence. Nobody is refused for it."""

from dataclasses import dataclass

from evenhand.model import TenantPath
from evenhand.telemetry.alarms.alarm import Kind
from evenhand.telemetry.monitor.profile import Who

SUSPICIONS_MAX = 500
KEPT_MS = 3_600_000


@dataclass(slots=True, kw_only=True)
class Suspicion:
    """`count` is of seconds in which it was so, of shifts where prompts are padded. `who` is None where
    it is no single application's. Times are the wall clock's."""

    kind: Kind
    who: Who | None
    tenant: TenantPath
    since_ms: int
    last_ms: int
    count: int
    evidence: str


class Suspicions:
    """A bounded list: the one confirmed longest ago goes, and each an hour after it last was."""

    def __init__(self) -> None:
        self._known: dict[object, Suspicion] = {}

    def confirm(
        self,
        kind: Kind,
        tenant: TenantPath,
        who: Who | None,
        *,
        evidence: str,
        now_ms: int,
    ) -> None:
        """It was seen again."""
        key = (kind, tenant, who)
        known = self._known.pop(
            key, None
        )  # put in anew: the dictionary is in the order of confirmation
        if known is None:
            known = Suspicion(
                kind=kind,
                who=who,
                tenant=tenant,
                since_ms=now_ms,
                last_ms=now_ms,
                count=0,
                evidence=evidence,
            )
        known.last_ms, known.evidence = now_ms, evidence
        known.count += 1
        self._known[key] = known
        if len(self._known) > SUSPICIONS_MAX:
            del self._known[next(iter(self._known))]

    def forget(self, now_ms: int) -> None:
        """Those that nobody has confirmed for an hour."""
        for key, known in list(self._known.items()):
            if now_ms - known.last_ms < KEPT_MS:
                return
            del self._known[key]

    def listed(self) -> list[Suspicion]:
        """The one confirmed last first."""
        return list(reversed(self._known.values()))
