"""Who hears what an engine's events mean."""

from typing import Protocol


class KvEventsError(Exception):
    """The events of an engine cannot be subscribed to; the text says what to do."""


class EventListener(Protocol):
    """Called on the loop. Prefixes are token ids, packed (`packed_tokens`); a salt is the one that the
    engine was sent with the prompt, None if there was none."""

    def on_stored(self, tokens: bytes, salt: str | None) -> None:
        """The engine holds these tokens from the beginning of a prompt on."""

    def on_removed(self, tokens: bytes, salt: str | None) -> None:
        """It holds all of these but the last block, and nothing that continues them."""

    def on_cleared(self, why: str) -> None:
        """It holds nothing."""

    def on_held(self, tokens: int | None) -> None:
        """It holds so many tokens in all, of whomever; None: nobody knows, or no more."""

    def on_event(self, what: str, **facts: str | float) -> None:
        """For the log and the metrics: something that somebody should know."""
