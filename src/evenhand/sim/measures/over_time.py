"""Service of every tenant over time, beside what it was due."""

from dataclasses import dataclass

import numpy as np

from evenhand.sim.measures.columns import Columns, Floats
from evenhand.sim.measures.entitlement import due
from evenhand.sim.measures.jain import jain
from evenhand.sim.measures.spread import Grid, by_window

WINDOWS = 1_200
_NOTHING = 1e-3
"""Weighted tokens below which a due is what floating point left of one that was given."""
_PART_MAX = 2.0
_BEYOND = 1e-9
"""The last instant belongs to the last window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime:
    """Weighted tokens in each window, tenants x windows."""

    grid: Grid
    received: Floats
    due: Floats

    def jain(self, *, around: int = 2) -> list[float | None]:
        """At each window, with so many on either side: Jain's index of what tenants received over what
        they were due then, twice that at most, as what comes late is no favour. Who was due something
        and got nothing counts with 0. None where nobody was due anything, or all these got nothing."""
        received, was_due = _sliding(self.received, around), _sliding(self.due, around)
        found = []
        for window in range(self.grid.windows):
            is_due = was_due[:, window] > _NOTHING
            part = received[is_due, window] / was_due[is_due, window]
            found.append(jain(np.minimum(part, _PART_MAX)))
        return found

    def behind_s(self) -> Floats:
        """How much later each tenant's work came, on average, than a fair fluid server would have done
        it; NaN for a tenant without any. Work that came earlier does not make up for it."""
        missing = np.cumsum(self.due - self.received, axis=1)
        late = np.maximum(missing, 0.0).sum(axis=1) * self.grid.step_s
        total = self.received.sum(axis=1)
        behind: Floats = np.divide(late, total, out=np.full_like(total, np.nan), where=total > 0)
        return behind

    def coarser(self, windows: int) -> "OverTime":
        """The same in fewer windows, of which `WINDOWS` is a multiple."""
        grid = Grid(self.grid.from_s, self.grid.step_s * self.grid.windows / windows, windows)
        parts = (len(self.received), windows, -1)
        return OverTime(
            grid=grid,
            received=self.received.reshape(parts).sum(axis=2),
            due=self.due.reshape(parts).sum(axis=2),
        )


def _sliding(by_window: Floats, around: int) -> Floats:
    """Each window with its neighbours; at the ends there are fewer."""
    sums = np.cumsum(np.pad(by_window, ((0, 0), (around + 1, around))), axis=1)
    width = 2 * around + 1
    return np.maximum(sums[:, width:] - sums[:, :-width], 0.0)


def over_time(run: Columns, shares: Floats) -> OverTime | None:
    """The whole run in equal windows; None: nothing was sent, or all ended where it began.

    A request claims its service from its arrival on, at the pace at which it was later served: how long
    an engine takes for an answer is no matter of fairness, and only waiting makes it late. One that was
    never served claims all at once. Requests that were refused claim nothing: they are counted apart."""
    sent = run.is_sent
    if not sent.any():
        return None
    from_s, to_s = float(run.arrived_s[sent].min()), float(run.ended_s[sent].max())
    length_s = (to_s - from_s) * (1 + _BEYOND)
    if length_s <= 0:
        return None
    grid, count = Grid(from_s, length_s / WINDOWS, WINDOWS), len(run.tenants)
    spans = (run.first_token_s, run.ended_s)
    received = by_window(run.tenant, count, spans, run.service, grid)
    claims = np.where(sent & ~run.is_refused, run.demand, 0.0)
    pace_s = np.where(run.is_served, run.ended_s - run.first_token_s, 0.0)
    asked = by_window(run.tenant, count, (run.arrived_s, run.arrived_s + pace_s), claims, grid)
    was_due, asks = np.zeros_like(received), shares > 0
    was_due[asks] = due(received[asks], asked[asks], shares[asks])
    return OverTime(grid=grid, received=received, due=was_due)
