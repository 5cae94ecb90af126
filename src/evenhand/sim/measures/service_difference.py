"""The VTC artifact's measure of unfairness: how far clients' service rates lie apart in windows of time.

The service of a request (input + 2 output) counts as given evenly between its first token and its end;
a window's requested service is that of the requests sent in it. In a window, with s_j the rates of
service of the clients, r_j the requested ones and s_max the greatest s_j, the difference is the sum over
clients of min(s_max - s_j, |r_j - s_j|): who got what it asked for is not taken for wronged.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 60.0
TICKS = 19
TICK_S = 28.5
"""The n-th window begins after n ticks: so 19 windows lie within 600 s."""
_BRIEF_S = 1e-5

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ServiceDifference:
    """Over the windows, in units of service a second."""

    max: float
    mean: float
    var: float


class Served(NamedTuple):
    """One entry for each request that was not refused. Times in seconds since the start."""

    client: NDArray[np.int64]
    """Numbers from 0."""
    sent_s: Numbers
    first_token_s: Numbers
    ended_s: Numbers
    service: Numbers
    """Input + 2 output tokens."""


def service_difference(requests: Served, *, windows: int = TICKS) -> ServiceDifference:
    """Over so many windows of a minute, each beginning 28.5 s after the one before."""
    begins = TICK_S * np.arange(1, windows + 1)
    differences = [_difference(requests, begin, begin + WINDOW_S) for begin in begins]
    return ServiceDifference(
        float(np.max(differences)), float(np.mean(differences)), float(np.var(differences))
    )


def accumulated_gap(requests: Served, until_s: float, *, since_s: float = 0.0) -> float:
    """Greatest difference between two clients of the service received in an interval."""
    if not len(requests.client):
        return 0.0
    received = _received(requests, since_s, until_s)
    return float(received.max() - received.min())


def _difference(requests: Served, begin_s: float, end_s: float) -> float:
    if not len(requests.client):
        return 0.0
    rate = _received(requests, begin_s, end_s) / WINDOW_S
    is_sent_there = (begin_s <= requests.sent_s) & (requests.sent_s <= end_s)
    asked = _by_client(requests, requests.service * is_sent_there) / WINDOW_S
    return float(np.minimum(rate.max() - rate, np.abs(asked - rate)).sum())


def _received(requests: Served, begin_s: float, end_s: float) -> Numbers:
    lasted = requests.ended_s - requests.first_token_s
    overlap = np.minimum(end_s, requests.ended_s) - np.maximum(begin_s, requests.first_token_s)
    is_brief = lasted < _BRIEF_S  # of one token: the artifact leaves these out
    part = np.where(is_brief, 0.0, np.maximum(overlap, 0.0) / np.where(is_brief, 1.0, lasted))
    return _by_client(requests, requests.service * part)


def _by_client(requests: Served, values: Numbers) -> Numbers:
    return np.bincount(requests.client, weights=values).astype(np.float64, copy=False)
