"""KV token-time: how many token slots of the KV cache a request holds, for how many steps (Justitia).

With p input and d output tokens: p for the step that fills them in, and p + i while output token i is
made, so p (d + 1) + d (d + 1) / 2. Deviations: costs.md.
"""

from evenhand.model import Request, Usage
from evenhand.scheduling.cost.protocol import Cost, Work
from evenhand.scheduling.parts import Parameter

STEPS_PER_UNIT = Parameter(
    name="kv_token_steps_per_unit",
    meaning="steps of one token in the KV cache that make a unit; "
    "13 makes 256 tokens in and out about as dear as in weighted tokens",
    default=13,
    minimum=1,
    maximum=10**9,
)


class KvTokenTime:
    """Token-steps, rounded up to whole units. Cached input occupies the cache like any other."""

    measures_time = False
    weights = None

    def __init__(self, *, token_steps_per_unit: int) -> None:
        self._per_unit = token_steps_per_unit

    def pin(self, request: Request) -> int:
        """How many answers grow side by side: each then needs its part of the steps."""
        return request.choices

    def units(self, work: Work, pinned: int) -> int:
        p, _, d, _ = work
        # p + (p d + d (d + n) / 2) / n for n answers, over one denominator.
        doubled = 2 * pinned * p + 2 * p * d + d * (d + pinned)
        return -(-doubled // (2 * pinned * self._per_unit))

    def units_max(self, input_tokens: int, output_tokens: int) -> int:
        return self.units(Work(input_tokens, 0, output_tokens), 1)

    def learn(self, request: Request, usage: Usage, engine_us: int, now_ms: int) -> None:
        """Nothing to learn."""


_: type[Cost] = KvTokenTime
