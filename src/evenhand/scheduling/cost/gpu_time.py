"""Engine time: a request's part of the time of its engine, shared among all that run there together.

Before it has run, its time is guessed from its tokens, at the rate that the model has shown so far.
"""

from evenhand.model import ModelName, Request, Usage
from evenhand.scheduling.cost.protocol import Cost, Work
from evenhand.scheduling.cost.weighted import WeightedTokens
from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.parts import Parameter

US_PER_UNIT = Parameter(
    name="gpu_us_per_unit",
    meaning="microseconds of a whole engine that make a unit; 10: a second makes 100,000",
    default=10,
    minimum=1,
    maximum=10**9,
)

_SHIFT = 16
_MEMORY_US = 600 * 10**6
"""Beyond ten minutes of engine time both sums are halved: old speed fades."""


class GpuTime:
    """Microseconds as measured, rounded up to whole units.

    The guess is microseconds per weighted token as a ratio of two decayed sums. Until a model has been
    measured, a weighted token is taken to cost a unit. Bounded by the models of the configuration.
    """

    measures_time = True
    weights = None

    def __init__(self, *, us_per_unit: int, weights: TokenWeights) -> None:
        self._us_per_unit = us_per_unit
        self._weights = weights
        self._tokens = WeightedTokens(weights)
        self._sums: dict[ModelName, tuple[int, int]] = {}

    def pin(self, request: Request) -> int:
        """Microseconds per weighted token, times 2^16; at least 1, so that no guess is free."""
        spent_us, weighted = self._sums.get(request.model, (self._us_per_unit, 1))
        return max(1, (spent_us << _SHIFT) // weighted)

    def units(self, work: Work, pinned: int) -> int:
        us = work.engine_us
        if us is None:
            us = -(-self._tokens.units(work, 1) * pinned >> _SHIFT)
        return -(-us // self._us_per_unit)

    def units_max(self, input_tokens: int, output_tokens: int) -> None:
        """No count of tokens bounds how long an engine takes."""

    def learn(self, request: Request, usage: Usage, engine_us: int, now_ms: int) -> None:
        """What used no tokens says nothing of their rate."""
        del now_ms
        weighted = self._weights.of(usage)
        if not weighted:
            return
        spent_us, seen = self._sums.get(request.model, (0, 0))
        spent_us, seen = spent_us + engine_us, seen + weighted
        if spent_us > _MEMORY_US:
            spent_us, seen = spent_us >> 1, max(1, seen >> 1)
        self._sums[request.model] = (spent_us, seen)


_: type[Cost] = GpuTime
