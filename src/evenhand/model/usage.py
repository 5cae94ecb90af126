"""Tokens that one request caused, as the engine reported them or as we counted them."""

from dataclasses import dataclass


# Made several times per request: freezing would cost more than the rest of making it.
@dataclass(slots=True, unsafe_hash=True)
class Usage:
    """Tokens of one request, summed over its choices. Never changed once made.

    `input_tokens` includes the `cached_input_tokens`, and `output_tokens` the `reasoning_tokens`
    (OpenAI's convention). `is_estimate` says that at least one figure was counted by us because the
    engine did not report it; reasoning that is not reported counts as plain output.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    is_estimate: bool = False
    reasoning_tokens: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.reasoning_tokens <= self.output_tokens
        assert 0 <= self.cached_input_tokens <= self.input_tokens


NO_USAGE = Usage(input_tokens=0, output_tokens=0)
"""What a request that never reached an engine has used."""
