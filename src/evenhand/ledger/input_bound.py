"""How many tokens a prompt can be at most, learned per model from the usage that engines report.

The scheduler's estimate is a mean, right on average; a hold must not be too small. So this keeps the
greatest tokens per byte seen, forgetting it slowly, and adds a quarter. What a chat template adds is
allowed for on top. A prompt that exceeds the bound all the same (an image is few bytes and many tokens)
is settled with an excess.
"""

from evenhand.model import ModelName, Usage

TEMPLATE_TOKENS = 128
"""Tokens that an engine may add to a prompt: its template, a default system prompt."""

_ONE = 1 << 20
_LEAST = _ONE // 3
"""Never fewer than a token for three bytes, whatever was seen: English has four or more."""
_FORGET = 64
_LEARN_BYTES_MIN = 256
"""Shorter prompts are mostly template, and tell nothing of the text."""


class InputBound:
    """Bounded by the models of the configuration."""

    def __init__(self) -> None:
        self._densities: dict[ModelName, int] = {}

    def tokens(self, model: ModelName, prompt_bytes: int) -> int:
        """The most tokens that text of that length should be. Before anything is learned a token a
        byte, which is never exceeded by text."""
        density = self._densities.get(model, _ONE)
        density = min(_ONE, max(_LEAST, density + density // 4))
        return TEMPLATE_TOKENS + -(-prompt_bytes * density // _ONE)

    def learn(self, model: ModelName, prompt_bytes: int, usage: Usage) -> None:
        """Take in what an engine counted. Estimates teach nothing, nor does more than a token a byte,
        which no text is."""
        if usage.is_estimate or prompt_bytes < _LEARN_BYTES_MIN:
            return
        of_text = max(0, usage.input_tokens - TEMPLATE_TOKENS)
        seen = -(-of_text * _ONE // prompt_bytes)
        if seen > _ONE:
            return
        before = self._densities.get(model, 0)
        self._densities[model] = max(seen, before - before // _FORGET)
