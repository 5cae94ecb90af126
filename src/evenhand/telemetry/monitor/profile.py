"""What an application usually asks for, learnt from what it asked."""

from collections.abc import Sequence
from typing import NamedTuple

from evenhand.model import ApplicationName, TenantPath
from evenhand.telemetry.monitor.drift import Drift, Shift
from evenhand.telemetry.monitor.lengths import Lengths

_RATE_MEMORY = 8


class Who(NamedTuple):
    """A tenant's application."""

    tenant: TenantPath
    application: ApplicationName


class Drifted(NamedTuple):
    """Something of an application has shifted: `measure` is input, output or calls."""

    who: Who
    measure: str
    shift: Shift
    at_ms: int
    cached_percent: int
    """Of the input of its last minutes, what was in the engines' caches."""


class Profile:
    """Of one application. Bounded."""

    __slots__ = (
        "_calls_drift",
        "_input_drift",
        "_minute",
        "_output_drift",
        "cached",
        "calls",
        "input",
        "last_ms",
        "output",
        "per_minute_scaled",
        "requests",
    )

    def __init__(self) -> None:
        self.input = Lengths()
        self.output = Lengths()
        self.calls = Lengths()
        self.cached = Lengths()
        """Percent of each prompt that was cached."""
        self.requests = 0
        """Requests that were answered."""
        self.last_ms = 0
        self.per_minute_scaled: int | None = None
        """Requests a minute, of late, times 256; None: no minute has passed."""
        self._minute = 0
        self._input_drift = Drift()
        self._output_drift = Drift()
        self._calls_drift = Drift()

    def answered(
        self, input_tokens: int, cached_tokens: int, output_tokens: int, at_ms: int
    ) -> Sequence[tuple[str, Shift]]:
        """Take in a request; what has shifted with it."""
        self.requests += 1
        self._minute += 1
        self.last_ms = at_ms
        self.input.add(input_tokens)
        self.output.add(output_tokens)
        self.cached.add(cached_tokens * 100 // input_tokens if input_tokens else 0)
        longer = self._input_drift.add(input_tokens)
        wordier = self._output_drift.add(output_tokens)
        if longer is None and wordier is None:
            return ()
        return _shifts(("input", longer), ("output", wordier))

    def interaction(self, calls: int) -> Sequence[tuple[str, Shift]]:
        """Take in an interaction that is over."""
        self.calls.add(calls)
        return _shifts(("calls", self._calls_drift.add(calls)))

    def minute(self) -> None:
        """A minute has passed."""
        now, self._minute = self._minute << 8, 0
        old = self.per_minute_scaled
        if old is None:
            self.per_minute_scaled = now
        else:
            self.per_minute_scaled = (old * (_RATE_MEMORY - 1) + now) // _RATE_MEMORY


def _shifts(*found: tuple[str, Shift | None]) -> list[tuple[str, Shift]]:
    return [(measure, shift) for measure, shift in found if shift is not None]
