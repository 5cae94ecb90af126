"""Reading an event log line by line, and saying what is wrong with one that is none."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from evenhand.stores.event_log.log_file import FORMAT, VERSION
from evenhand.stores.event_log.problem import EventLogError

_GZIP_MAGIC = b"\x1f\x8b"
_LINE_BYTES_MAX = 256 << 20


class LogLines:
    """The header and, by iteration, the number and the content of every line after it, up to the one
    that says how the log ended: `ended` is that, None while it has not come or is missing. Raises
    EventLogError."""

    def __init__(self, path: Path) -> None:
        self.ended: str | None = None
        try:
            raw = path.open("rb")
        except OSError as error:
            raise EventLogError(f"cannot be read: {error.strerror}") from None
        self._raw = raw
        is_compressed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        self._file = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if is_compressed else raw
        try:
            self.header = self._header()
        except EventLogError:
            self.close()
            raise

    def close(self) -> None:
        self._file.close()
        self._raw.close()

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        number, calls = 1, 0
        while (line := self._line(number + 1)) is not None:
            number += 1
            form = _form(line, number)
            if self.ended is not None:
                raise EventLogError(f"line {number}: the log has ended on the line before")
            if not isinstance(form, dict):
                calls += 1
                yield number, form
                continue
            if form.get("calls") != calls:
                raise EventLogError(f"line {number}: says {form.get('calls')} calls, read {calls}")
            self.ended = str(form.get("ended"))

    def _header(self) -> dict[str, Any]:
        line = self._line(1)
        if not line:
            raise EventLogError("is empty, and no event log")
        form = _form(line, 1, foreign=True)
        if not isinstance(form, dict) or FORMAT not in form:
            raise EventLogError(f"is no event log: its first line does not say {FORMAT}")
        if form[FORMAT] != VERSION:
            raise EventLogError(
                f"is an event log of form {form[FORMAT]}, and this program reads form {VERSION}: replay"
                f" it with the evenhand that wrote it ({form.get('evenhand')})"
            )
        return form

    def _line(self, number: int) -> bytes | None:
        """None: nothing follows. A last line without an end is left out: its writer was stopped."""
        try:
            line = self._file.readline(_LINE_BYTES_MAX)
        except EOFError:
            return None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise EventLogError(f"line {number}: the compressed file is damaged: {error}") from None
        except OSError as error:
            raise EventLogError(f"line {number}: cannot be read: {error.strerror}") from None
        return line if line.endswith(b"\n") or (number == 1 and line) else None


def _form(line: bytes, number: int, *, foreign: bool = False) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        what = "is no event log: line 1 is no JSON" if foreign else f"line {number}: is no JSON"
        raise EventLogError(f"{what} ({error})") from None
