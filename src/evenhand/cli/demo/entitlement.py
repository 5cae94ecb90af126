"""What each tenant received in each second, and what it was entitled to.

In a window of one second the tenants together received some service. A tenant can lay claim to
what it received and, for each request still without a token at the end of the window, to the cost
of that request times the part of the window for which it waited. The entitlement is the max-min
division of the service among the claims, by weight: nobody is entitled to more than its claim, and
what one leaves is divided among the others. So who asks for little is entitled to what it asks,
and a tenant that waits and receives nothing is entitled to its share all the same.

The Jain index of a window is (sum x)^2 / (n sum x^2) over the n tenants with a claim, where x is
service over entitlement: 1 is all alike, 1/n is one has everything. That of a run is the mean over
its windows; windows in which nobody received anything say nothing and are left out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evenhand.cli.demo.record import Record
from evenhand.cli.demo.service import credits_of, units_asked

WINDOW_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Units by tenant. A tenant without a claim has no entitlement."""

    received: Mapping[str, float]
    entitled: Mapping[str, float]

    @property
    def units(self) -> float:
        """What all received together."""
        return sum(self.received.values())

    @property
    def jain(self) -> float | None:
        """Fairness in this window; None if nothing was served."""
        if not self.units:
            return None
        ratios = [self.received[name] / units for name, units in self.entitled.items()]
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
    claimed = {name: [0.0] * count for name in records}
    for name, of_tenant in records.items():
        for record in of_tenant:
            for credit in credits_of(record, density=density, seconds=seconds):
                received[name][min(int(credit.at_s / WINDOW_S), count - 1)] += credit.units
            _add_claims(claimed[name], record, units_asked(record, density=density), seconds)
    result = []
    for index in range(count):
        now = {name: received[name][index] for name in records}
        claims = {name: now[name] + claimed[name][index] for name in records}
        entitled = max_min(sum(now.values()), claims, weights)
        result.append(Window(received=now, entitled=entitled))
    return result


def max_min(
    units: float, claims: Mapping[str, float], weights: Mapping[str, int]
) -> dict[str, float]:
    """Divide `units` by weight so that nobody gets more than its claim; claims of 0 are left out.

    What is left when all claims are met is given to nobody.
    """
    open_claims = {name: claim for name, claim in claims.items() if claim > 0}
    shares: dict[str, float] = {}
    left = units
    while open_claims:
        per_weight = left / sum(weights[name] for name in open_claims)
        least = min(open_claims, key=lambda name: open_claims[name] / weights[name])
        if open_claims[least] > per_weight * weights[least]:
            return shares | {name: per_weight * weights[name] for name in open_claims}
        shares[least] = open_claims.pop(least)
        left = max(left - shares[least], 0.0)
    return shares


def _add_claims(claimed: list[float], record: Record, units: float, seconds: float) -> None:
    """Claims of a request in the windows at whose end it still waited for its first token."""
    first = record.first_token_at
    waited_until = min(
        seconds,
        math.inf if first is None else first,
        math.inf if record.ended_at is None else record.ended_at,
    )
    for index in range(int(record.sent_at / WINDOW_S), len(claimed)):
        begin = index * WINDOW_S
        end = min(begin + WINDOW_S, seconds)
        if waited_until < end:
            return
        claimed[index] += units * (end - max(begin, record.sent_at)) / (end - begin)
