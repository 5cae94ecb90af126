"""How long the queue of a user is while it is in the middle of an interaction."""

import numpy as np

from evenhand.sim.measures.columns import Columns, Flags, Floats, Integers


def queue_while_mid_interaction(run: Columns, is_followed: Flags) -> tuple[float, float]:
    """Its mean over the time in which a call runs that another one follows, over all users; and which
    part of the users with such time had anything waiting in it."""
    is_started = run.started_s >= 0
    waits = is_started & (run.started_s > run.arrived_s)
    waited = lasted = 0.0
    users = delayed = 0
    for rows in _rows_of_users(run):
        runs = rows[(is_followed & is_started)[rows]]
        if not len(runs):
            continue
        spans = _merged(run.started_s[runs], run.ended_s[runs])
        waiting = rows[waits[rows]]
        queue_s = sum(_overlap(spans, run.arrived_s[row], run.started_s[row]) for row in waiting)
        users += 1
        delayed += queue_s > 0
        waited += queue_s
        lasted += float((spans[1] - spans[0]).sum())
    return (waited / lasted if lasted else 0.0), (delayed / users if users else 0.0)


def _rows_of_users(run: Columns) -> list[Integers]:
    order = np.argsort(run.tenant, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(run.tenant[order])) + 1)


def _merged(starts_s: Floats, ends_s: Floats) -> tuple[Floats, Floats]:
    """The same time in spans that do not overlap, in order."""
    order = np.argsort(starts_s)
    starts_s, ends_s = starts_s[order], np.maximum.accumulate(ends_s[order])
    is_first = np.r_[True, starts_s[1:] > ends_s[:-1]]
    is_last = np.r_[is_first[1:], True]
    return starts_s[is_first], ends_s[is_last]


def _overlap(spans: tuple[Floats, Floats], from_s: float, to_s: float) -> float:
    overlap = np.minimum(spans[1], to_s) - np.maximum(spans[0], from_s)
    return float(np.clip(overlap, 0, None).sum())
