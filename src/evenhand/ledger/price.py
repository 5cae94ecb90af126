"""What the tokens of a model cost, in integers."""

from dataclasses import dataclass

from evenhand.model import Usage

TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Nano-units of `currency` per million tokens of each sort.

    A cached input token costs at most as much as a computed one, so what is held for input as if
    nothing were cached bounds what is settled.
    """

    currency: str
    input: int
    cached_input: int
    output: int

    def __post_init__(self) -> None:
        assert 0 <= self.cached_input <= self.input
        assert self.output >= 0

    def of(self, usage: Usage) -> int:
        """Nano-units of that usage, rounded down: nobody pays for a part of a nano-unit."""
        cached = usage.cached_input_tokens
        return (
            (usage.input_tokens - cached) * self.input
            + cached * self.cached_input
            + usage.output_tokens * self.output
        ) // TOKENS_PER_PRICE

    def bound(self, input_tokens: int, output_tokens: int) -> int:
        """Nano-units that no usage within those figures exceeds, rounded up."""
        exact = input_tokens * self.input + output_tokens * self.output
        return -(-exact // TOKENS_PER_PRICE)


FREE = Price(currency="", input=0, cached_input=0, output=0)
"""Where no prices are configured: tokens are booked, money is not."""
