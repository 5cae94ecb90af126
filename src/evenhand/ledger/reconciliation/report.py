"""One engine reconciled: its intervals added up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from evenhand.ledger.reconciliation.causes import Cause, Side, explain
from evenhand.ledger.reconciliation.interval import Interval
from evenhand.ledger.reconciliation.used import LedgerUse


@dataclass(slots=True)
class EngineReconciled:
    """`from_ms` until `to_ms` is what could be compared; None: nothing. Of each side, `engine` less
    `ledger` is the sum of `causes`; `unexplained` counts what no cause accounts for, of either sign,
    so that too much and too little do not cancel out."""

    from_ms: int | None = None
    to_ms: int | None = None
    requests: int = 0
    retried: int = 0
    left: int = 0
    restarts: int = 0
    away_ms: int = 0
    engine: Counter[Side] = field(default_factory=Counter)
    ledger: Counter[Side] = field(default_factory=Counter)
    causes: dict[Side, Counter[Cause]] = field(
        default_factory=lambda: {side: Counter() for side in Side}
    )
    unexplained: Counter[Side] = field(default_factory=Counter)

    @property
    def unexplained_ppm(self) -> int:
        """Millionths of what either side counted, rounded up."""
        whole = sum(max(self.engine[side], self.ledger[side]) for side in Side)
        return -(-self.unexplained.total() * 1_000_000 // whole) if whole else 0


def reconciled(parts: Iterable[tuple[Interval, LedgerUse]]) -> EngineReconciled:
    """Of all intervals of one engine."""
    found = EngineReconciled()
    for interval, use in parts:
        if found.from_ms is None:
            found.from_ms = interval.from_ms
        found.to_ms = interval.to_ms
        found.requests += use.requests
        found.retried += interval.sums.retried
        found.left += interval.sums.left
        found.restarts += interval.restarts
        found.away_ms += interval.away_ms
        for side in Side:
            engine, ledger, causes = explain(interval, use, side)
            found.engine[side] += engine
            found.ledger[side] += ledger
            found.causes[side].update(causes)
            found.unexplained[side] += abs(causes.get(Cause.UNEXPLAINED, 0))
    return found
