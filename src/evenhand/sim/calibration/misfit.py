"""One number for how far simulated times are from measured ones.

A request that comes while a step is under way waits for its end, so a single time to the first token
depends on chance; requests are therefore compared in groups of neighbours.
"""

from collections.abc import Callable, Iterator, Sequence
from math import log

from evenhand.sim.engine_log.timestamps import Timestamps

_GROUP_MAX = 10
_GROUPS_MIN = 10
_OUTLIER = 0.1
_BRIEF_MS = 0.01


def misfit(measured: Sequence[Timestamps], simulated: Sequence[Timestamps]) -> float:
    """The mean, over groups, of the squared logarithm of simulated over measured times: those to the
    first token, and those from there to the end. Of ratios beyond 10 % the size counts, not the square
    (Huber's loss). 0 is perfect."""
    losses = [_loss(ratio) for ratio in _ratios(measured, simulated)]
    return sum(losses) / len(losses)


def _ratios(measured: Sequence[Timestamps], simulated: Sequence[Timestamps]) -> Iterator[float]:
    size = max(1, min(_GROUP_MAX, len(measured) // _GROUPS_MIN))
    durations: tuple[Callable[[Timestamps], float], ...] = (_to_first_token, _to_end)
    for begin in range(0, len(measured), size):
        group = slice(begin, begin + size)
        for duration in durations:
            theirs = sum(map(duration, measured[group]))
            ours = sum(map(duration, simulated[group]))
            yield log(max(ours, _BRIEF_MS) / max(theirs, _BRIEF_MS))


def _to_first_token(each: Timestamps) -> float:
    return each.first_token_ms - each.arrived_ms


def _to_end(each: Timestamps) -> float:
    return each.ended_ms - each.first_token_ms


def _loss(ratio: float) -> float:
    size = abs(ratio)
    return size**2 / 2 if size < _OUTLIER else _OUTLIER * (size - _OUTLIER / 2)
