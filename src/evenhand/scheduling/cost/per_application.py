"""Weighted service counter (FairServe, arXiv 2411.15997): tokens over what the application is expected
to use. Rule, bound and deviations: wsc.md."""

from evenhand.model import Request, Usage
from evenhand.scheduling.cost.expectations import Expectations
from evenhand.scheduling.cost.protocol import Cost, Work
from evenhand.scheduling.cost.weighted import WeightedTokens
from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.parts import Parameter

EXPECTED_PERCENT = Parameter(
    name="expected_percent",
    meaning="expectation of an application: 0 is the mean of its calls, 50 their median, and so on",
    default=0,
    minimum=0,
    maximum=99,
)
EXPECTED_MEMORY_CALLS = Parameter(
    name="expected_memory_calls",
    meaning="about so many of the last calls make up an expectation",
    default=200,
    minimum=1,
    maximum=100_000,
)
FACTOR_MAX = Parameter(
    name="application_factor_max",
    meaning="tokens of an application cost at most so many times the average, and at least that part",
    default=10,
    minimum=1,
    maximum=1_000,
)

_SHIFT = 16


class PerApplication:
    """Weighted tokens times the factor of the application, rounded up to whole units.

    The factor is what a call of the model is expected to use over what a call of the application is. An
    average call of any application costs the same: what an average call costs in weighted tokens.
    """

    measures_time = False
    weights = None

    def __init__(
        self, expectations: Expectations, *, application_factor_max: int, weights: TokenWeights
    ) -> None:
        self._expectations = expectations
        self._ratio_max = application_factor_max
        self._factor_max = application_factor_max << _SHIFT
        self._factor_min = (1 << _SHIFT) // application_factor_max
        self._weights = weights
        self._tokens = WeightedTokens(weights)

    def pin(self, request: Request) -> int:
        """The factor times 2^16. 1 while nothing is known of the model or of the application."""
        of_model = self._expectations.of_model(request.model)
        of_application = self._expectations.of_application(request.application, request.model)
        if of_model is None or of_application is None:
            return 1 << _SHIFT
        factor = (of_model << _SHIFT) // of_application
        return max(self._factor_min, min(self._factor_max, factor))

    def units(self, work: Work, pinned: int) -> int:
        return -(-self._tokens.units(work, 1) * pinned >> _SHIFT)

    def units_max(self, input_tokens: int, output_tokens: int) -> int:
        return self._weights.of_tokens(input_tokens, output_tokens) * self._ratio_max

    def learn(self, request: Request, usage: Usage, engine_us: int, now_ms: int) -> None:
        """What used nothing was no call."""
        del engine_us, now_ms
        units = self._weights.of(usage)
        if units:
            self._expectations.learn(request.application, request.model, units)


_: type[Cost] = PerApplication
