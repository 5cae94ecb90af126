"""What is known of one engine's prefix cache besides what is in it, and how right beliefs were."""

from collections import Counter
from enum import StrEnum

from evenhand.scheduling.cost.weights import INPUT_BYTES_PER_TOKEN_PRIOR

_BLOCK_TOKENS_PRIOR = 16
_LEARNT_TOKENS_MAX = 1 << 20


class Cause(StrEnum):
    """Why something is believed no longer. The value is the metric label."""

    USAGE = "usage"
    """The engine has said of a prompt that less of it was cached."""
    CAPACITY = "capacity"
    """It is more than the engine can hold."""
    EVENT = "event"
    """The engine has said that it dropped it."""
    CLEARED = "cleared"
    """The engine restarted, cleared its cache, or serves other models."""


class EngineCache:
    """Tokens and bytes of prompts meet here: an engine counts the ones, an index the others."""

    def __init__(self) -> None:
        self.tokens_max: int | None = None
        """More it cannot hold; None: unknown."""
        self.block_tokens = _BLOCK_TOKENS_PRIOR
        """What it keeps or drops together."""
        self.believed_tokens = 0
        """Of the prompts of which an engine has said how much was cached, so much was believed to be."""
        self.reported_tokens = 0
        """And so much was."""
        self.corrections: Counter[Cause] = Counter()
        self._bytes, self._tokens = INPUT_BYTES_PER_TOKEN_PRIOR, 1

    @property
    def bytes_max(self) -> int | None:
        """`tokens_max` as text of the prompts that it got lately."""
        return None if self.tokens_max is None else self.tokens_max * self._bytes // self._tokens

    def learn(self, text_bytes: int, tokens: int) -> None:
        """A prompt of so many bytes had so many tokens."""
        if not tokens or not text_bytes:
            return
        if self._tokens > _LEARNT_TOKENS_MAX:
            self._tokens, self._bytes = self._tokens // 2, self._bytes // 2
        self._tokens += tokens
        self._bytes += text_bytes
