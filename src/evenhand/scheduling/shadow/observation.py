"""What the shadow has found, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from evenhand.model import TenantPath
from evenhand.scheduling.shadow.tally import Tally

OTHERS: Final[TenantPath] = ()
"""The row of all tenants that have none of their own."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One tenant in both worlds. Only to be read: the tallies go on counting."""

    tenant: TenantPath
    arrival: Tally
    fair: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Both worlds up to `at_ms`, the shadow's time, which trails the clock.

    `remembered` requests have not ended in both; `resets` is how often too many were remembered and the
    shadow forgot them all; `unobserved` counts what it forgot then and what came before it could begin
    anew (`is_paused`: it waits for that). `unknown_service` counts requests that really left
    the queue unserved though the fair order had started them: there they count as served in no time.
    """

    at_ms: int
    remembered: int
    resets: int
    unobserved: int
    is_paused: bool
    unknown_service: int
    in_all: tuple[Comparison, ...]
    recent: tuple[Comparison, ...]


def compared(
    arrival: Mapping[TenantPath, Tally], fair: Mapping[TenantPath, Tally]
) -> tuple[Comparison, ...]:
    """Both worlds' rows side by side, in order of their names."""
    rows = sorted(arrival.keys() | fair.keys())
    return tuple(Comparison(r, arrival.get(r) or Tally(), fair.get(r) or Tally()) for r in rows)
