"""VTC's service difference for runs of any length and any number of tenants, with unequal shares.

At an instant x let s_j be the service that tenant j receives per second in the minute around x, and d_j
what the requests that it sends in that minute ask for. Then

    difference(x) = sum over j of min(max s - s_j, |d_j - s_j|)

so who asks for little is not counted as treated badly. It is taken every 30 s, from 30 s after the
first arrival until 30 s before the last. The artifact (`service_difference.py`) has 19 windows at fixed
places in 600 s, each as long, so that on its runs the two differ a little. Where tenants have unequal
shares, s_j and d_j are divided by n share_j, which is 1 where all are equal, as in the artifact.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.sim.measures.columns import Floats, Integers
from evenhand.sim.measures.service_difference import ServiceDifference
from evenhand.sim.measures.spread import Grid, by_window

TICK_S = 30.0
_TICKS_MIN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedByShare:
    """Requests as plain columns, in seconds. `service` is received evenly from `first_token_s` to
    `ended_s`; `demand` is asked for at `arrived_s`. `shares` has one entry for each tenant."""

    tenant: Integers
    arrived_s: Floats
    first_token_s: Floats
    ended_s: Floats
    service: Floats
    demand: Floats
    shares: Floats


def ticks(from_s: float, to_s: float) -> Grid | None:
    """Half windows of about 30 s, four at least; a tick is between each two. None: no time at all."""
    if to_s <= from_s:
        return None
    windows = max(_TICKS_MIN, round((to_s - from_s) / TICK_S))
    return Grid(from_s, (to_s - from_s) / windows, windows)


def service_difference_by_share(served: ServedByShare, grid: Grid) -> ServiceDifference:
    """At every tick between two windows of the grid."""
    values = difference_at_ticks(served, grid)
    return ServiceDifference(float(values.max()), float(values.mean()), float(values.var()))


def difference_at_ticks(served: ServedByShare, grid: Grid) -> Floats:
    """One value for each two neighbouring windows."""
    tenants = len(served.shares)
    spans = (served.first_token_s, served.ended_s)
    received = by_window(served.tenant, tenants, spans, served.service, grid)
    moments = (served.arrived_s, served.arrived_s)
    asked = by_window(served.tenant, tenants, moments, served.demand, grid)
    scale = 2 * grid.step_s * tenants * served.shares[:, None]
    rate = _around_ticks(received) / scale
    demand = _around_ticks(asked) / scale
    least = np.minimum(rate.max(axis=0) - rate, np.abs(demand - rate))
    return np.asarray(least.sum(axis=0))


def _around_ticks(by_half_window: Floats) -> Floats:
    return by_half_window[:, :-1] + by_half_window[:, 1:]
