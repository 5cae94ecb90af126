"""What an engine has told so far: which names are missing now, and whether it is the same process."""

from typing import NamedTuple

from evenhand.engines.signals.reading import Reading


class News(NamedTuple):
    """What a reading changed. `missing`: all names that are missing now, if others than before.
    `restarted`: by what it is seen that the engine has restarted."""

    missing: tuple[str, ...] | None
    restarted: str | None


class Track:
    """The memory of one engine's readings, bounded by the fields of a report and their spellings."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._missing: tuple[str, ...] = ()
        """Fields, not names."""
        self._counters: dict[str, int] = {}
        self._started_s: float | None = None

    def note(self, reading: Reading) -> News:
        """Compare with what was before."""
        restarted = self._restarted(reading)
        if reading.started_s is not None:
            self._started_s = reading.started_s
        self._counters.update(reading.counters)
        self._names.update(reading.found)
        if not reading.whole:
            return News(None, restarted)
        missing = tuple(field for field in self._names if field not in reading.found)
        if missing == self._missing:
            return News(None, restarted)
        self._missing = missing
        return News(self._missing_names(), restarted)

    def begin_anew(self) -> None:
        """It is known to be another process: that its counters are lower is no news."""
        self._counters = {}
        self._started_s = None

    def words(self) -> str:
        """How far the engine can be read, for the operator."""
        if not self._names:
            return "none: it tells nothing under a name known here; ask `evenhand check --probe`"
        told = ", ".join(sorted(set(self._names) - set(self._missing)))
        if not self._missing:
            return f"reads {told}"
        return f"reads {told or 'nothing'}; it no longer tells {', '.join(self._missing_names())}"

    def _missing_names(self) -> tuple[str, ...]:
        return tuple(sorted({self._names[field] for field in self._missing}))

    def _restarted(self, reading: Reading) -> str | None:
        started_s = reading.started_s
        if started_s is not None and self._started_s is not None and started_s > self._started_s:
            return "its process has started anew"
        for name, value in reading.counters.items():
            before = self._counters.get(name, 0)
            if value < before:
                return f"{name} went back from {before} to {value}"
        return None
