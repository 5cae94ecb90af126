"""The attempts of one call, one after the other, and how often they have sent it in all."""

from evenhand.engines.http import Attempt

DISPATCHES_MAX = 2
"""Times a request is written to an engine in all, the one retry included."""


class Attempts:
    """Holds the attempt under way, if there is one. A pause outlasts it: the client is as slow for the
    next one."""

    def __init__(self) -> None:
        self._attempt: Attempt | None = None
        self._sends_before = 0
        self.is_paused = False
        """The client reads slower than the engine writes."""

    @property
    def sends(self) -> int:
        """How often the request was written to an engine."""
        return self._sends_before + (self._attempt.sends if self._attempt is not None else 0)

    @property
    def sends_left(self) -> int:
        """How often it still may be."""
        return DISPATCHES_MAX - self.sends

    def begin(self, attempt: Attempt) -> None:
        """An attempt is under way; the one before must be over."""
        assert self._attempt is None, "one attempt at a time"
        self._attempt = attempt
        if self.is_paused:
            attempt.pause()

    def give_up(self) -> int:
        """The attempt has failed: close its connection. How often it was sent."""
        assert self._attempt is not None
        sends_before = self._sends_before
        self.abort()
        self._sends_before = self.sends
        self._attempt = None
        return self._sends_before - sends_before

    def abort(self) -> None:
        """Close the engine's connection at once, if there is one."""
        if self._attempt is not None:
            self._attempt.abort()

    def pause(self) -> None:
        """Read no further."""
        self.is_paused = True
        if self._attempt is not None:
            self._attempt.pause()

    def resume(self) -> None:
        """Read on."""
        self.is_paused = False
        if self._attempt is not None:
            self._attempt.resume()
