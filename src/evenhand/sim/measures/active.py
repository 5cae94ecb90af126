"""The interval in which shares are compared: all tenants are active.

A tenant is active from its first request until the last of its requests has ended. A run that is
drained serves everybody's requests in the end, so shares over a whole run only say what was asked;
in the interval in which everybody wants something they say what the policy gave.

Of a thousand tenants some send a single request, and at no time all are active. Then those are compared
that are active for more than half of the run: all of them are, in its middle at least.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.sim.measures.columns import Columns, Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """`tenants` of those that ask are active in all of it; `is_all_active`: these are all. 0: none is
    active for more than half of the run, and the interval is that of all arrivals."""

    from_s: float
    to_s: float
    tenants: int
    is_all_active: bool

    @property
    def length_s(self) -> float:
        return self.to_s - self.from_s


def interval_of(run: Columns) -> tuple[Interval | None, Flags]:
    """Where the shares of a run are measured, and which tenants are active in all of it. None: nothing
    was sent, or all in one instant."""
    nobody = np.zeros(len(run.tenants), dtype=np.bool_)
    sent = run.is_sent
    if not sent.any():
        return None, nobody
    tenant, arrived, ended = run.tenant[sent], run.arrived_s[sent], run.ended_s[sent]
    first = np.full(len(run.tenants), np.inf)
    last = np.full(len(run.tenants), -np.inf)
    np.minimum.at(first, tenant, arrived)
    np.maximum.at(last, tenant, ended)
    asks = np.isfinite(first)
    half_s = float(last[asks].max() - first[asks].min()) / 2
    lasts = np.zeros_like(asks)
    lasts[asks] = last[asks] - first[asks] > half_s
    for compared in (asks, lasts):
        if compared.any():
            from_s, to_s = float(first[compared].max()), float(last[compared].min())
            if from_s < to_s:
                count = int(compared.sum())
                is_all = count == int(asks.sum())
                return (
                    Interval(from_s=from_s, to_s=to_s, tenants=count, is_all_active=is_all),
                    compared,
                )
    from_s, to_s = float(arrived.min()), float(arrived.max())
    if from_s < to_s:
        return Interval(from_s=from_s, to_s=to_s, tenants=0, is_all_active=False), nobody
    return None, nobody
