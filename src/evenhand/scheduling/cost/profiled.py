"""Profiled cost: a quadratic that was fitted to measured times of an engine (the VTC artifact).

h(x, y) = a x + b y + c x y + d y^2 + e for x input and y output tokens. Why each term: costs.md.
"""

from dataclasses import dataclass

from evenhand.model import Request, Usage
from evenhand.scheduling.cost.protocol import Cost, Work
from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.parts import Parameter, Parameters

_BILLION = 10**9
_COEFFICIENT_MAX = 10**15

PROFILE = (
    Parameter(
        name="profiled_input_billionths",
        meaning="a: of one input token",
        default=210_018_910,
        minimum=0,
        maximum=_COEFFICIENT_MAX,
    ),
    Parameter(
        name="profiled_output_billionths",
        meaning="b: of one output token",
        default=100_753_950,
        minimum=0,
        maximum=_COEFFICIENT_MAX,
    ),
    Parameter(
        name="profiled_input_output_billionths",
        meaning="c: of one output token for each input token that it attends to",
        default=3_986_800,
        minimum=0,
        maximum=_COEFFICIENT_MAX,
    ),
    Parameter(
        name="profiled_output_output_billionths",
        meaning="d: of the square of output tokens",
        default=3_247_330,
        minimum=0,
        maximum=_COEFFICIENT_MAX,
    ),
    Parameter(
        name="profiled_request_billionths",
        meaning="e: of a request, whatever its length",
        default=1_146_014_540,
        minimum=0,
        maximum=_COEFFICIENT_MAX,
    ),
    Parameter(
        name="profiled_units",
        meaning="units of a cost of 1; 14 makes 256 tokens in and out about as dear as weighted tokens",
        default=14,
        minimum=1,
        maximum=10**9,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The coefficients, in billionths, and the units of a cost of 1."""

    input: int
    output: int
    input_output: int
    output_output: int
    request: int
    units: int


class Profiled:
    """The quadratic, rounded up to whole units. A request that has used nothing costs nothing.

    A cached input token is not computed, so it pays the part of `a` that cached input pays of input by
    the token weights; it is attended to like any other, so it pays `c` in full.
    """

    measures_time = False
    weights = None

    def __init__(self, profile: Profile, weights: TokenWeights) -> None:
        self._profile = profile
        self._weights = weights

    def pin(self, request: Request) -> int:
        """How many answers share the output: only the sum of their tokens is known, so they are taken
        for equally long, which makes the sum of squares as small as it can be."""
        return request.choices

    def units(self, work: Work, pinned: int) -> int:
        x, cached, y, _ = work
        if not (x or y):
            return 0
        profile, weights = self._profile, self._weights
        prefill = profile.input * ((x - cached) * weights.input + cached * weights.cached_input)
        cost = (
            -(-prefill // weights.input)
            + profile.output * y
            + profile.input_output * x * y
            + profile.output_output * y * y // pinned
            + profile.request
        )
        return -(-cost * profile.units // _BILLION)

    def units_max(self, input_tokens: int, output_tokens: int) -> int:
        return self.units(Work(input_tokens, 0, output_tokens), 1)

    def learn(self, request: Request, usage: Usage, engine_us: int, now_ms: int) -> None:
        """Nothing to learn."""


def profile_of(values: Parameters) -> Profile:
    """From the parameters."""
    return Profile(
        input=values["profiled_input_billionths"],
        output=values["profiled_output_billionths"],
        input_output=values["profiled_input_output_billionths"],
        output_output=values["profiled_output_output_billionths"],
        request=values["profiled_request_billionths"],
        units=values["profiled_units"],
    )


_: type[Cost] = Profiled
