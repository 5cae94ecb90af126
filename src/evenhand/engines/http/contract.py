"""What the HTTP client of engines and its callers owe each other.

All calls happen on the event loop's thread; none blocks or awaits.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class Lost(StrEnum):
    """Why an answer broke off."""

    REFUSED = "could not connect"
    CLOSED = "closed the connection"
    MALFORMED = "answered something that is not HTTP"
    TIMED_OUT = "was silent for too long"


class AnswerListener(Protocol):
    """Hears one answer. `on_head` at most once, then `on_body` any number of times, then exactly one
    of `on_end` and `on_lost`, which is the last call. After `Attempt.abort` nothing is called."""

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Status and headers of the final answer; 1xx are passed over. Of the headers those that
        somebody reads, in lower case: content-type, content-length, transfer-encoding, retry-after."""

    def on_body(self, data: bytes) -> None:
        """A piece of the body, in the pieces the engine's socket gave, framing removed."""

    def on_end(self) -> None:
        """The answer is complete."""

    def on_lost(self, reason: Lost) -> None:
        """The answer cannot be completed."""


class Attempt(Protocol):
    """One try of one request at one engine."""

    @property
    def sends(self) -> int:
        """How often the request was written to a socket: 2 after a dead pooled connection."""

    @property
    def detail(self) -> str:
        """What the system said about the loss ("" if nothing did): for log lines, not clients."""

    def abort(self) -> None:
        """Close the engine's connection at once (that is how an engine learns to stop). Harmless
        when the attempt is over."""

    def pause(self) -> None:
        """Stop reading the answer (the client is slow). What was read already, 256 KiB at most, is
        still told. While paused no silence is counted."""

    def resume(self) -> None:
        """Read on."""
