"""The interval in which shares are compared: all tenants are active.

A tenant is active from its first request until the last of its requests has ended. A run that is
drained serves everybody's requests in the end, so shares over a whole run only say what was asked;
in the interval in which everybody wants something they say what the policy gave.

Of a thousand tenants some send a single request, and at no time all are active. Then those are compared
that are active for more than half of the run: all of them are, in its middle at least.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.sim.measures.columns import Columns, Flags, Floats


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


def interval_of(run: Columns) -> Interval | None:
    """Where the shares of a run are measured. None: nothing was sent, or all in one instant."""
    first, last = _spans(run)
    asks = np.isfinite(first)
    if not asks.any():
        return None
    half_s = float(last[asks].max() - first[asks].min()) / 2
    lasts = asks.copy()
    lasts[asks] = last[asks] - first[asks] > half_s
    for compared in (asks, lasts):
        from_s = float(first[compared].max(initial=-np.inf))
        to_s = float(last[compared].min(initial=np.inf))
        if compared.any() and from_s < to_s:
            count = int(_covers(first, last, from_s, to_s).sum())
            is_all = count == int(asks.sum())
            return Interval(from_s=from_s, to_s=to_s, tenants=count, is_all_active=is_all)
    arrived = run.arrived_s[run.is_sent]
    from_s, to_s = float(arrived.min()), float(arrived.max())
    if from_s < to_s:
        return Interval(from_s=from_s, to_s=to_s, tenants=0, is_all_active=False)
    return None


def active_in(run: Columns, measured: Interval | None) -> Flags:
    """Which tenants are active in all of an interval; nobody if there is none, or none for them."""
    if measured is None or not measured.tenants:
        return np.zeros(len(run.tenants), dtype=np.bool_)
    first, last = _spans(run)
    return _covers(first, last, measured.from_s, measured.to_s)


def _covers(first: Floats, last: Floats, from_s: float, to_s: float) -> Flags:
    return np.less_equal(first, from_s) & np.greater_equal(last, to_s)


def _spans(run: Columns) -> tuple[Floats, Floats]:
    """When each tenant is active: from, to; the wrong way round, and endless, if it sends nothing."""
    sent = run.is_sent
    first = np.full(len(run.tenants), np.inf)
    last = np.full(len(run.tenants), -np.inf)
    np.minimum.at(first, run.tenant[sent], run.arrived_s[sent])
    np.maximum.at(last, run.tenant[sent], run.ended_s[sent])
    return first, last
