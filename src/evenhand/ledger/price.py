"""What the work of a model costs, in integers."""

from dataclasses import dataclass

from evenhand.model import Usage

TOKENS_PER_PRICE = 1_000_000
US_PER_PRICE = 1_000_000
"""Microseconds in the second of a GPU that a price is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Nano-units of `currency`: per million tokens of each sort, per `request` that is settled, and per
    second of one GPU. Output is what is no reasoning; `reasoning` None: as output.

    A cached input token costs at most as much as a computed one, so what is held for input as if
    nothing were cached bounds what is settled; output is held at the dearer of its two prices.
    """

    currency: str
    input: int
    cached_input: int
    output: int
    reasoning: int | None = None
    request: int = 0
    gpu_second: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.cached_input <= self.input
        assert self.output >= 0
        assert self.reasoning is None or self.reasoning >= 0
        assert self.request >= 0
        assert self.gpu_second >= 0

    @property
    def of_reasoning(self) -> int:
        """Nano-units per million reasoning tokens."""
        return self.output if self.reasoning is None else self.reasoning

    def of(self, usage: Usage) -> int:
        """Nano-units of that usage, rounded down: nobody pays for a part of a nano-unit."""
        cached, output, reasoned = usage.cached_input_tokens, self.output, usage.reasoning_tokens
        exact = (
            (usage.input_tokens - cached) * self.input
            + cached * self.cached_input
            + usage.output_tokens * output
        )
        if reasoned and self.reasoning is not None:
            exact += reasoned * (self.reasoning - output)
        return exact // TOKENS_PER_PRICE + self.request

    def bound(self, input_tokens: int, output_tokens: int) -> int:
        """Nano-units that no usage within those figures exceeds, rounded up. What GPUs cost is not in
        it: how long they work, nobody knows before."""
        output = self.output if self.reasoning is None else max(self.output, self.reasoning)
        exact = input_tokens * self.input + output_tokens * output
        return -(-exact // TOKENS_PER_PRICE) + self.request

    def of_gpu(self, gpu_us: int) -> int:
        """Nano-units of so many microseconds of a GPU, rounded down."""
        return gpu_us * self.gpu_second // US_PER_PRICE


FREE = Price(currency="", input=0, cached_input=0, output=0)
"""Where no prices are configured: tokens are booked, money is not."""
