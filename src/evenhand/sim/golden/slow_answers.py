"""Who was preempted, as far as a log lets on.

vLLM's timestamps do not say that a request lost its memory and was computed again. They do show that
it stood still meanwhile: all that decode get a token with every step, so requests that run at the same
time have the same time per token, and one whose tokens took notably longer has not run all the time. A
short stop is not seen, so this counts fewer than were preempted; where the load changes fast it is taken
for a stop now and then. It is applied to simulated timestamps too, and the two counts are compared.
"""

from collections.abc import Sequence

import numpy as np

from evenhand.sim.engine_log.timestamps import Timestamps

SLOWER = 1.10
"""Times the median of the requests that ran with it for at least half of its time."""
OUTPUT_TOKENS_MIN = 32
"""Of a shorter answer, a step that computes somebody's prompt is too large a part."""


def slow_answers(log: Sequence[Timestamps]) -> list[bool]:
    """For each request, whether it stood still for a while."""
    first = np.array([each.first_token_ms for each in log])
    end = np.array([each.ended_ms for each in log])
    tokens = np.array([each.output_tokens for each in log])
    is_long = tokens >= OUTPUT_TOKENS_MIN
    pace = (end - first) / np.maximum(tokens - 1, 1)
    slow = []
    for index in range(len(log)):
        together = np.minimum(end, end[index]) - np.maximum(first, first[index])
        others = is_long & (together >= (end[index] - first[index]) / 2)
        others[index] = False
        is_slow = is_long[index] and others.any()
        slow.append(bool(is_slow and pace[index] > SLOWER * np.median(pace[others])))
    return slow
