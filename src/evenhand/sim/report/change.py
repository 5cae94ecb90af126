"""What became of each tenant when something else was changed: the policy, or the whole run.

A tenant gains if more of its requests are answered, or else if it waits clearly less for its first
tokens; it loses the other way round.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from evenhand.sim.measures.figures import TenantFigures

ANSWERED_PART = 0.02
"""A change of the answered requests, as a part of all, that counts."""
WAIT_RATIO = 1.25
"""Of mean waits for the first token, that counts."""
WAIT_S = 0.05
"""A difference of mean waits below which nobody notices."""
_LEAST_S = 1e-3
"""Waits below count as so long in ratios."""


class Direction(IntEnum):
    """What a change is for a tenant."""

    LOSES = -1
    SAME = 0
    GAINS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Of one tenant. `wait_ratio` is its mean wait for the first token after over before, None where one
    of them is unknown."""

    tenant: str
    before: TenantFigures
    after: TenantFigures
    direction: Direction
    is_about_answers: bool
    """More or fewer requests were answered at all; otherwise it is about waits."""
    wait_ratio: float | None

    @property
    def size(self) -> float:
        """How much it matters to the tenant, to order by."""
        if self.is_about_answers:
            return 1e6 * abs(answered(self.after) - answered(self.before))
        if self.wait_ratio is None:
            return 0.0
        return max(self.wait_ratio, 1 / self.wait_ratio)


def answered(figures: TenantFigures) -> float:
    """The part of its requests that were completed."""
    return figures.completed / figures.requests if figures.requests else 1.0


def changes(
    before: Mapping[str, TenantFigures], after: Mapping[str, TenantFigures]
) -> Iterator[Change]:
    """Of all tenants that are in both and ask for something."""
    for tenant, was in before.items():
        now = after.get(tenant)
        if now is not None and (was.requests or now.requests):
            yield _change(tenant, was, now)


def _change(tenant: str, before: TenantFigures, after: TenantFigures) -> Change:
    more = answered(after) - answered(before)
    is_about_answers = abs(more) >= ANSWERED_PART
    ratio = None
    direction = Direction.SAME
    if before.ttft_mean_s is not None and after.ttft_mean_s is not None:
        waited, waits = before.ttft_mean_s, after.ttft_mean_s
        ratio = max(waits, _LEAST_S) / max(waited, _LEAST_S)
        if abs(waits - waited) >= WAIT_S and not 1 / WAIT_RATIO < ratio < WAIT_RATIO:
            direction = Direction.GAINS if ratio < 1 else Direction.LOSES
    if is_about_answers:
        direction = Direction.GAINS if more > 0 else Direction.LOSES
    return Change(
        tenant=tenant,
        before=before,
        after=after,
        direction=direction,
        is_about_answers=is_about_answers,
        wait_ratio=ratio,
    )
