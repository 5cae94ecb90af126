"""The applications of the FairServe artifact's trace, and how its users share the requests.

Read off the first 10,000 arrivals of a trace of a platform like Microsoft 365 Copilot, which came in 72
seconds of 2024-09-04 from 1,358 users (files of the artifact of arXiv 2411.15997). An application of
four requests, of which nothing else is told, is left away.
"""

from typing import NamedTuple

import numpy as np

from evenhand.workloads.draws import Floats

MEASURED_REQUESTS = 10_000
MEASURED_SECONDS = 72
MEASURED_USERS = 1358

INPUT_SIGMA = 0.85
OUTPUT_SIGMA = 1.55
"""Deviation of the logarithm of lengths within an application. With these and the means below, the
ratios of the 90th percentile to the median over all requests are those of the trace: 3.83 and 10.06."""

CALLS_MAX = 288
"""Of the longest interaction of the trace."""


class Application(NamedTuple):
    """What was measured of one application; lengths are mean tokens. `expected_*` are what the artifact
    tells its scheduler to expect of a call."""

    number: int
    requests: int
    users: int
    interactions: int
    input_tokens: int
    output_tokens: int
    expected_input_tokens: int
    expected_output_tokens: int

    @property
    def name(self) -> str:
        """As requests name it."""
        return f"app-{self.number}"

    @property
    def calls(self) -> float:
        """Mean of an interaction within the trace, which cuts long ones off."""
        return self.requests / self.interactions


APPLICATIONS = (
    Application(17, 4680, 676, 1323, 5762, 57, 5771, 58),
    Application(7, 971, 709, 971, 4070, 58, 3759, 57),
    Application(21, 652, 1, 652, 17247, 535, 16334, 536),
    Application(8, 546, 1, 546, 1115, 5, 1173, 5),
    Application(2, 448, 1, 448, 1066, 63, 999, 58),
    Application(5, 409, 86, 197, 4240, 43, 4607, 48),
    Application(9, 348, 41, 112, 5996, 53, 6482, 67),
    Application(14, 309, 112, 133, 6443, 95, 6370, 103),
    Application(10, 250, 1, 250, 17358, 80, 14855, 75),
    Application(3, 226, 177, 219, 2035, 131, 1980, 128),
    Application(18, 193, 20, 20, 1385, 515, 1736, 539),
    Application(19, 185, 51, 122, 3868, 42, 3714, 32),
    Application(23, 149, 21, 24, 2549, 505, 2516, 500),
    Application(22, 130, 4, 4, 4452, 150, 3297, 135),
    Application(11, 119, 1, 119, 1757, 88, 1810, 86),
    Application(6, 83, 10, 10, 2591, 88, 2588, 78),
    Application(16, 71, 66, 71, 2359, 143, 2902, 153),
    Application(0, 63, 55, 57, 3360, 215, 4490, 213),
    Application(1, 58, 32, 36, 10012, 99, 9225, 87),
    Application(15, 49, 13, 17, 10301, 66, 8830, 53),
    Application(13, 31, 29, 31, 6233, 606, 7011, 578),
    Application(20, 26, 11, 13, 7894, 110, 8028, 93),
)

_HEAVY = (2092, 600, 288, 130)
"""Requests of the four heaviest users."""

_TAIL_EXPONENT = 0.59
"""Of Zipf's law over all others, by rank: the first 1 % of the users then send 35.6 % of the requests
and the first 10 % 53.5 %; the trace has 34.8 % and 53.5 %."""


def belongs_to_heaviest(application: Application) -> bool:
    """Five applications have a single user each. Together they are 2,015 requests, and the heaviest user
    of the trace sent 2,092: they are taken for that user's."""
    return application.users == 1


def user_weights(users: int) -> Floats:
    """What part of the interactions each user begins, of those applications that have several users."""
    ranks = np.arange(len(_HEAVY) + 1, max(users, len(_HEAVY)) + 1, dtype=np.float64)
    tail = ranks**-_TAIL_EXPONENT
    if len(tail):
        tail *= (MEASURED_REQUESTS - sum(_HEAVY)) / tail.sum()
    alone = sum(a.requests for a in APPLICATIONS if belongs_to_heaviest(a))
    weights = np.concatenate([[_HEAVY[0] - alone, *_HEAVY[1:]], tail])[:users]
    return np.asarray(weights / weights.sum())
