"""Writing an event log: a line of JSON a call, after one that says what it is and before one that says
how it ended. A name that ends in `.gz` is compressed."""

import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

import evenhand
from evenhand.scheduling import SchedulerSettings
from evenhand.scheduling.recorder import Event, Recorder
from evenhand.stores.event_log.event_form import event_form
from evenhand.stores.event_log.settings_form import settings_form
from evenhand.stores.event_log.textless import TextlessRecorder

FORMAT = "evenhand_events"
VERSION = 1
_FLUSH_BYTES = 256 << 10
_COMPRESS_LEVEL = 3


class EventLog:
    """The log of one scheduler, from `scheduler` on until it is closed, bounded by `bytes_max` of text
    before compression (None: by the run). `host` says who calls.

    Whoever cannot write any more goes on unrecorded: `on_stop` hears why, once; it is for people. It
    raises OSError only when the file cannot be begun.
    """

    def __init__(
        self,
        path: Path,
        *,
        host: str,
        bytes_max: int | None = None,
        on_stop: Callable[[str], None] | None = None,
    ) -> None:
        raw: BinaryIO = path.open("wb")
        self._raw = raw
        is_compressed = path.suffix == ".gz"
        self._file: Any = raw
        if is_compressed:
            # No name and no time in the file: equal runs make equal logs.
            self._file = gzip.GzipFile("", "wb", _COMPRESS_LEVEL, raw, mtime=0)
        self._host = host
        self._bytes_max = bytes_max
        self._on_stop = on_stop
        self._bytes = 0
        self._flushed_bytes = 0
        self._calls = 0
        self._is_open = True

    def scheduler(self, settings: SchedulerSettings, *, holds_text: bool = True) -> Recorder:
        """The scheduler whose calls are written. Once. `holds_text` False: prompts are replaced by
        stand-ins before it decides, so that the log has none of their text."""
        assert not self._bytes, "a log is of one scheduler"
        header = {
            FORMAT: VERSION,
            "evenhand": evenhand.__version__,
            "host": self._host,
            "settings": settings_form(settings),
        }
        self._write(header)
        return (Recorder if holds_text else TextlessRecorder)(settings, self._note)

    def flush(self) -> None:
        """What was noted so far survives the process, should it be killed."""
        if not self._is_open:
            return
        try:
            self._file.flush()
            self._raw.flush()
        except OSError as error:
            self._is_open = False
            self._tell(f"it cannot be written: {error.strerror}")

    def close(self) -> None:
        """Say that it is complete, unless it stopped before."""
        self._end("complete")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end("complete" if error is None else "broken off")

    def _note(self, event: Event) -> None:
        if not self._is_open:
            return
        if self._bytes_max is not None and self._bytes >= self._bytes_max:
            self._end("full")
            self._tell(f"it holds {self._bytes_max} bytes, as many as it may")
            return
        self._calls += 1
        self._write(event_form(event))

    def _write(self, form: object) -> bool:
        """Whether it could be written."""
        line = orjson.dumps(form, option=orjson.OPT_APPEND_NEWLINE)
        self._bytes += len(line)
        try:
            self._file.write(line)
            if self._bytes - self._flushed_bytes >= _FLUSH_BYTES:
                self._flushed_bytes = self._bytes
                self._file.flush()
        except OSError as error:
            self._is_open = False
            with suppress(OSError):  # what is still buffered cannot be written either
                self._raw.close()
            self._tell(f"it cannot be written: {error.strerror}")
            return False
        return True

    def _end(self, how: str) -> None:
        if not self._is_open or not self._write({"ended": how, "calls": self._calls}):
            return
        self._is_open = False
        try:
            self._file.close()
            self._raw.close()
        except OSError as error:
            self._tell(f"it cannot be closed: {error.strerror}")

    def _tell(self, why: str) -> None:
        if self._on_stop is not None:
            self._on_stop(why)
