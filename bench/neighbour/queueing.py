"""How long calls waited in the gateway, and how soon a slot came free for them, by its own clock.

A client sees an answer's end later than the gateway does, which by then has given the slot away: by the
clients' clocks slots seem to come free for calls that were not there yet.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any


def queueing(lines: Sequence[Mapping[str, Any]], *, tenant: str) -> dict[str, list[float]]:
    """Of the tenant's calls that were started: `queue_wait_s`, and `release_s`, how long after each came
    the next call that was running ended. `lines` are the gateway's on calls."""
    ends = sorted(_ended_s(line) for line in lines if line["queue_wait_ms"] is not None)
    waits, releases = [], []
    for line in lines:
        if line["tenant"] != tenant or line["queue_wait_ms"] is None:
            continue
        came_s = _ended_s(line) - line["duration_ms"] / 1000
        after = bisect_right(ends, came_s)
        waits.append(line["queue_wait_ms"] / 1000)
        releases.append(ends[after] - came_s)
    return {"queue_wait_s": waits, "release_s": releases}


def _ended_s(line: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()
