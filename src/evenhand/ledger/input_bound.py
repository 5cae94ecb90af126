"""How many tokens a prompt can be at most, learned per model from the usage that engines report.

The scheduler's estimate is a mean, right on average; a hold must not be too small. So this keeps the
greatest tokens per byte of the last 64 to 128 requests, and adds a quarter. What a chat template adds is
allowed for on top. A prompt that exceeds the bound all the same (an image is few bytes and many tokens)
is settled with an excess.
"""

from dataclasses import dataclass

from evenhand.model import ModelName, Usage

TEMPLATE_TOKENS = 128
"""Tokens that an engine may add to a prompt: its template, a default system prompt."""

_ONE = 1 << 20
_LEAST = _ONE // 3
"""Never fewer than a token for three bytes, whatever was seen: English has four or more."""
_WINDOW = 64
_LEARN_BYTES_MIN = 256
"""Shorter prompts are mostly template, and tell nothing of the text."""


@dataclass(slots=True, eq=False)
class _Densities:
    """Tokens per byte, times `_ONE`: the greatest of this window and of the one before, and the bound
    that follows."""

    recent: int = 0
    older: int = 0
    seen: int = 0
    bound: int = _ONE

    def changed(self) -> None:
        greatest = max(self.recent, self.older)
        self.bound = min(_ONE, max(_LEAST, greatest + greatest // 4))


_UNKNOWN = _Densities()


class InputBound:
    """Bounded by the models of the configuration."""

    def __init__(self) -> None:
        self._models: dict[ModelName, _Densities] = {}

    def tokens(self, model: ModelName, prompt_bytes: int) -> int:
        """The most tokens that text of that length should be. Before anything is learned a token a
        byte, which is never exceeded by text."""
        bound = self._models.get(model, _UNKNOWN).bound
        return TEMPLATE_TOKENS + -(-prompt_bytes * bound // _ONE)

    def learn(self, model: ModelName, prompt_bytes: int, usage: Usage) -> None:
        """Take in what an engine counted. Estimates teach nothing, nor does more than a token a byte,
        which no text is."""
        if usage.is_estimate or prompt_bytes < _LEARN_BYTES_MIN:
            return
        density = -(-(usage.input_tokens - TEMPLATE_TOKENS) * _ONE // prompt_bytes)
        if density > _ONE:
            return
        known = self._models.get(model)
        if known is None:
            known = self._models[model] = _Densities()
            known.changed()
        known.seen += 1
        if density > known.recent:
            known.recent = density
            known.changed()
        if known.seen == _WINDOW:
            known.older, known.recent, known.seen = known.recent, 0, 0
            known.changed()
