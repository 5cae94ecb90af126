"""The log: one JSON object per line, one line per ended request, one per operational event."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import orjson

from evenhand.telemetry.background_sink import BackgroundSink, Sink
from evenhand.telemetry.record import RequestRecord

TEXT_CHARS_MAX = 200
"""Longer texts are cut; the cut is marked by `...`."""

_TEXTS = (
    *("request_id", "interaction", "path", "tenant", "application", "lane", "model", "engine"),
)
_texts_of: Callable[[dict[str, Any]], tuple[Any, ...]] = itemgetter(*_TEXTS)
_FIELDS_MAX = 32
_LINE = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_BUFFER_BYTES_MAX = 4 << 20

Field = str | int | float | bool | None


class RequestLog:
    """Writes lines to `sink` from a thread of its own, so that a sink may block or break.

    Use from one thread; `close` at the end. Lines that could not be written are counted in
    `dropped_lines`.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        buffer_bytes_max: int = _BUFFER_BYTES_MAX,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sink = BackgroundSink(sink, buffer_bytes_max=buffer_bytes_max)
        self._clock = clock

    @property
    def dropped_lines(self) -> int:
        """Lines lost so far because the sink was full or broken."""
        return self._sink.dropped_lines

    def request(self, record: RequestRecord) -> None:
        """Log an ended request."""
        tenant = record["tenant"]
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(self._clock(), UTC),
            "event": "request",
            **record,
            "tenant": None if tenant is None else "/".join(tenant),
            "outcome": str(record["outcome"]),
        }
        texts = _texts_of(line)
        if not _are_plain(texts):
            for name, text in zip(_TEXTS, texts, strict=True):
                line[name] = text and _safe(text)
        self._sink.put(orjson.dumps(line, option=_LINE))

    def event(self, name: str, /, **fields: Field) -> None:
        """Log an operational event: an engine went up or down, the gateway started or drains.

        Field values reach the log as they are: give reasons and names, never a credential. The
        fields `time` and `event` are the line's own.
        """
        assert len(fields) <= _FIELDS_MAX
        assert not fields.keys() & {"time", "event"}
        line: dict[str, object] = {"time": datetime.fromtimestamp(self._clock(), UTC)}
        line["event"] = _safe(name)
        for key, value in fields.items():
            line[key] = _safe(value) if isinstance(value, str) else value
        self._sink.put(orjson.dumps(line, option=_LINE))

    def close(self, wait_ms: int = 1_000) -> bool:
        """Write out what is buffered, for at most `wait_ms`; False if the sink still blocks. Log
        nothing afterwards."""
        return self._sink.close(wait_ms)


def _are_plain(texts: tuple[Any, ...]) -> bool:
    """Whether each is there, short, and printable: nearly always, and one look at all finds it out."""
    if None in texts:
        return False
    together = "".join(texts)
    if len(together) > TEXT_CHARS_MAX and max(map(len, texts)) > TEXT_CHARS_MAX:
        return False
    return together.isprintable()


def _safe(text: str) -> str:
    """Bound the length, and spell out what JSON would pass on raw though a terminal or a viewer obeys
    it: C1 controls, line separators, direction marks, lone surrogates."""
    if len(text) > TEXT_CHARS_MAX:
        text = text[: TEXT_CHARS_MAX - 3] + "..."
    if text.isprintable():
        return text
    # JSON itself escapes everything below the space.
    return "".join(c if c.isprintable() or c < " " else f"\\u{ord(c):04x}" for c in text)
