"""The interval in which shares are compared: all tenants are active.

A tenant is active from its first request until the last of its requests has ended. A run that is
drained serves everybody's requests in the end, so shares over a whole run only say what was asked;
in the interval in which everybody wants something they say what the policy gave.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.sim.measures.columns import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """`is_all_active` False: there is no time at which all tenants are active (a thousand tenants, some
    with a single request), and the interval is that of all arrivals."""

    from_s: float
    to_s: float
    is_all_active: bool

    @property
    def length_s(self) -> float:
        return self.to_s - self.from_s


def interval_of(run: Columns) -> Interval | None:
    """Where the shares of a run are measured; None: nothing was sent, or all in one instant."""
    sent = run.is_sent
    if not sent.any():
        return None
    tenant, arrived, ended = run.tenant[sent], run.arrived_s[sent], run.ended_s[sent]
    first = np.full(len(run.tenants), np.inf)
    last = np.full(len(run.tenants), -np.inf)
    np.minimum.at(first, tenant, arrived)
    np.maximum.at(last, tenant, ended)
    asks = np.isfinite(first)
    from_s, to_s = float(first[asks].max()), float(last[asks].min())
    if from_s < to_s:
        return Interval(from_s=from_s, to_s=to_s, is_all_active=True)
    from_s, to_s = float(arrived.min()), float(arrived.max())
    if from_s < to_s:
        return Interval(from_s=from_s, to_s=to_s, is_all_active=False)
    return None
