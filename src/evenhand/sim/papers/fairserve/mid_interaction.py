"""How long the queue of a user is while it is in the middle of an interaction."""

import numpy as np

from evenhand.sim.measures.columns import Columns, Flags, Floats


def queue_while_mid_interaction(run: Columns, is_followed: Flags) -> tuple[float, float]:
    """Its mean over the time in which a call runs that another one follows, over all users; and which
    part of the users with such time had anything waiting in it."""
    runs = is_followed & (run.started_s >= 0)
    waits = (run.started_s > run.arrived_s) & (run.started_s >= 0)
    waited = lasted = 0.0
    users = delayed = 0
    for user in np.unique(run.tenant[runs]):
        of_user = run.tenant == user
        spans = _merged(run.started_s[runs & of_user], run.ended_s[runs & of_user])
        queue_s = sum(
            _overlap(spans, from_s, to_s)
            for from_s, to_s in zip(
                run.arrived_s[waits & of_user], run.started_s[waits & of_user], strict=True
            )
        )
        users += 1
        delayed += queue_s > 0
        waited += queue_s
        lasted += float((spans[1] - spans[0]).sum())
    return (waited / lasted if lasted else 0.0), (delayed / users if users else 0.0)


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
