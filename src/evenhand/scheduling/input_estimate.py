"""How many tokens a prompt will be, learned per model from the usage engines report."""

from evenhand.model import ModelName, Request, Usage
from evenhand.scheduling.cost.weights import INPUT_BYTES_PER_TOKEN_PRIOR

_PRIOR_TOKENS = 1_000
_PRIOR = (_PRIOR_TOKENS * INPUT_BYTES_PER_TOKEN_PRIOR, _PRIOR_TOKENS)
_MEMORY_TOKENS = 1_000_000
_MEMORY_BYTES = 16_000_000
"""Beyond either both sums are halved: old traffic fades, and the integers stay small."""


class InputEstimate:
    """Bytes per token of each model as a ratio of two decayed sums.

    Never more than one token a byte, because nothing above that is learned.
    Bounded by the number of models in the configuration.
    """

    def __init__(self) -> None:
        self._sums: dict[ModelName, tuple[int, int]] = {}

    def tokens(self, request: Request) -> int:
        """Expected input tokens, rounded up; exact where the client sent token ids."""
        if request.prompt_tokens is not None:
            return request.prompt_tokens
        seen_bytes, seen_tokens = self._sums.get(request.model, _PRIOR)
        return -(-request.prompt_bytes * seen_tokens // seen_bytes)

    def learn(self, request: Request, usage: Usage) -> None:
        """Take in what the engine counted. Estimates and token-id prompts teach nothing."""
        if usage.is_estimate or request.prompt_tokens is not None:
            return
        # More tokens than bytes: a template or an image, which tell nothing of the length of text.
        tokens, prompt_bytes = usage.input_tokens, request.prompt_bytes
        if not 0 < tokens <= prompt_bytes:
            return
        seen_bytes, seen_tokens = self._sums.get(request.model, _PRIOR)
        seen_bytes += prompt_bytes
        seen_tokens += tokens
        while seen_tokens > _MEMORY_TOKENS or seen_bytes > _MEMORY_BYTES:
            seen_bytes = max(1, seen_bytes // 2)
            seen_tokens = max(1, seen_tokens // 2)
        self._sums[request.model] = (seen_bytes, seen_tokens)
