"""What counts a streamed answer, whichever API it is of."""

from typing import Protocol

from evenhand.model import Usage


class Meter(Protocol):
    """One streamed answer. Feed every event to `take`; read the counts at any time."""

    ends_marked: bool
    """Its last event says that it is the last: a stream that ends without it has broken off."""
    prompt: tuple[int, int | None] | None
    """How many tokens the engine says its prompt has, and how many of them were cached, each as soon as
    it has said so. Another object whenever it has said something new."""
    output_tokens: int
    """Output tokens so far, the greater of counted and reported; never decreases."""
    answer_id: str | None
    """The id by which the engine may keep the answer, where it says so at the end."""
    is_done: bool
    """The last event of the answer was seen."""
    error_seen: bool
    """The engine reported an error inside the stream."""

    @property
    def has_content(self) -> bool:
        """Whether any output token has come."""

    def usage(self, *, input_tokens_estimate: int) -> Usage:
        """What to settle: the engine's figures where they make sense, else our own, marked."""

    def take_alike(self, data: bytes) -> bytes | None:
        """The same as `take`, for bytes that are one event of the most frequent kind; None: they are
        not, and nothing is done about them."""

    def take(self, event: bytes) -> bytes | None:
        """Account for one event and return what the client gets of it; None: nothing."""
