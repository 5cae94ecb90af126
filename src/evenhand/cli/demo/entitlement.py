"""What each tenant received in each second, and what it was entitled to.

The reference is a fluid server (generalised processor sharing) that gives out, second by second,
exactly as much service as the tenants together received, but by weight. In each window of one
second, for every tenant i of weight w_i:

    backlog_i += cost of the requests that i sent in this window
    entitled_i = max-min division, by weight, of the service all received, among the backlogs
    backlog_i -= entitled_i

A request is thus claimed once, when it is sent, however long it waits: who asks for little is
entitled to what it asks, and a tenant that waits and receives nothing is entitled to its share all
the same. Its cost is the real one; one that has not ended is expected to cost its prompt and its
longest answer. One that failed asks for what it used: failures are counted apart.

Limits. A window is divided as if all its requests were sent at its beginning. Service is seen when
tokens arrive, so a prompt counts in the second of its first token, however long it took to compute.
Should more be served than all the backlogs hold, what is over goes to nobody. A client that asks on
only when it was answered asks for less where it waits longer, and is entitled to less.

The Jain index of a window is (sum x)^2 / (n sum x^2) over the n tenants with an entitlement, where
x is service over entitlement: 1 is all alike, 1/n is one has everything. A tenant that is served
later than it was due can receive in a window in which it is entitled to nothing; that counts in no
index, it was missed when it was due. That of a run is the mean over its windows; those in which no
tenant with an entitlement received anything say nothing and are left out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evenhand.cli.demo.record import Record
from evenhand.cli.demo.service import credits_of, units_asked

WINDOW_S = 1.0

_ROUNDING_UNITS = 1e-6
"""A backlog below this is what floating point left of one that was served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Units by tenant. A tenant without a backlog has no entitlement."""

    received: Mapping[str, float]
    entitled: Mapping[str, float]

    @property
    def units(self) -> float:
        """What all received together."""
        return sum(self.received.values())

    @property
    def jain(self) -> float | None:
        """Fairness in this window; None if nobody with an entitlement received anything."""
        ratios = [self.received[name] / units for name, units in self.entitled.items()]
        if not any(ratios):
            return None
        return sum(ratios) ** 2 / (len(ratios) * sum(ratio**2 for ratio in ratios))


def windows(
    records: Mapping[str, Sequence[Record]],
    weights: Mapping[str, int],
    *,
    density: float,
    seconds: float,
) -> list[Window]:
    """The windows of a run, in order of time; the last may be shorter than a second."""
    count = math.ceil(seconds / WINDOW_S)
    received = {name: [0.0] * count for name in records}
    asked = {name: [0.0] * count for name in records}
    for name, of_tenant in records.items():
        for record in of_tenant:
            sent_in = min(int(record.sent_at / WINDOW_S), count - 1)
            asked[name][sent_in] += units_asked(record, density=density)
            for credit in credits_of(record, density=density, seconds=seconds):
                received[name][min(int(credit.at_s / WINDOW_S), count - 1)] += credit.units
    backlog = dict.fromkeys(records, 0.0)
    result = []
    for index in range(count):
        now = {name: received[name][index] for name in records}
        for name in records:
            backlog[name] += asked[name][index]
        entitled = max_min(sum(now.values()), backlog, weights)
        for name, units in entitled.items():
            rest = backlog[name] - units
            backlog[name] = rest if rest > _ROUNDING_UNITS else 0.0
        result.append(Window(received=now, entitled=entitled))
    return result


def seconds_active(records: Sequence[Record], *, seconds: float) -> frozenset[int]:
    """The windows, by number, in which a tenant (whose records these are) had a request open."""
    numbers: set[int] = set()
    for record in records:
        ended_at = seconds if record.ended_at is None else min(record.ended_at, seconds)
        numbers.update(range(int(record.sent_at / WINDOW_S), math.ceil(ended_at / WINDOW_S)))
    return frozenset(numbers)


def max_min(
    units: float, backlogs: Mapping[str, float], weights: Mapping[str, int]
) -> dict[str, float]:
    """Divide `units` by weight so that nobody gets more than its backlog; empty ones are left out.

    With no units to divide nobody has an entitlement. What is left when all backlogs are served is
    given to nobody.
    """
    if units <= 0:
        return {}
    waiting = {name: backlog for name, backlog in backlogs.items() if backlog > 0}
    shares: dict[str, float] = {}
    left = units
    while waiting:
        per_weight = left / sum(weights[name] for name in waiting)
        least = min(waiting, key=lambda name: waiting[name] / weights[name])
        if waiting[least] > per_weight * weights[least]:
            return shares | {name: per_weight * weights[name] for name in waiting}
        shares[least] = waiting.pop(least)
        left = max(left - shares[least], 0.0)
    return shares
