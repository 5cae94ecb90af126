"""What a token costs: service units, the integer currency of fairness.

Default 10 : 1 : 20 for input, cached input and output. The VTC paper weighs input 1 and output 2
(arXiv 2401.00588); ten times that leaves room for a cached token, which costs the engine almost
nothing but memory traffic, without fractions.
"""

from dataclasses import dataclass

from evenhand.model import Usage

INPUT_BYTES_PER_TOKEN_PRIOR = 4
"""English text under common tokenizers; replaced by what the model's own usage teaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWeights:
    """Service units per token. Integers: charges and refunds cancel exactly."""

    input: int = 10
    cached_input: int = 1
    output: int = 20

    def __post_init__(self) -> None:
        assert self.input >= 1
        assert 0 <= self.cached_input <= self.input
        assert self.output >= 1

    def of(self, usage: Usage) -> int:
        """Units of the whole request; monotone in every figure but the cached ones."""
        uncached = usage.input_tokens - usage.cached_input_tokens
        return (
            uncached * self.input
            + usage.cached_input_tokens * self.cached_input
            + usage.output_tokens * self.output
        )

    def of_tokens(self, input_tokens: int, output_tokens: int) -> int:
        """Units of a request none of whose input was cached, as far as is known."""
        return input_tokens * self.input + output_tokens * self.output
