"""Server-sent events: bytes in any pieces become whole events.

Line ends may be LF, CR LF or CR, in any mix; an event ends at an empty line. Events are kept as the
bytes they came in, because almost all of them are passed on unread.
"""

import re

_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\r\n\n|\n\r\n|\r\n\r(?!\n)|\n\r(?!\n)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
DONE = b"[DONE]"
"""The payload of a stream's last event."""

_BOM = b"\xef\xbb\xbf"


class EventTooLong(Exception):  # noqa: N818 - it names what happened
    """An event exceeds the limit: the stream is not worth following."""


class EventSplitter:
    """Collects whole events. Holds at most `event_bytes_max` bytes of an unfinished one."""

    def __init__(self, *, event_bytes_max: int) -> None:
        self._event_bytes_max = event_bytes_max
        self.rest = b""
        """What came after the last whole event: a cut-off event at the end of a stream."""

    def feed(self, data: bytes) -> list[bytes]:
        """The events completed by these bytes, each with its empty line. Raises EventTooLong."""
        if self.rest:
            data = self.rest + data
            self.rest = b""
        if data.endswith(b"\n\n") and b"\r" not in data:
            if data.find(b"\n") == len(data) - 2:
                return [data]  # an engine that keeps pace writes one at a time, of one line
            events = [event + b"\n\n" for event in data[:-2].split(b"\n\n")]
        else:
            events = self._split(data)
        if len(self.rest) > self._event_bytes_max:
            raise EventTooLong
        return events

    def end(self) -> bytes | None:
        """No byte will follow: the last event, if it is whole but for what could still have come (the
        LF of a last CR LF), or is a `[DONE]` that lacks its empty line."""
        rest = self.rest
        if rest.endswith((b"\r\r", b"\n\r")):
            self.rest = b""
            return rest
        if payload(rest.rstrip(b"\r\n")) == DONE:
            self.rest = b""
            return event(DONE)
        return None

    def _split(self, data: bytes) -> list[bytes]:
        events = []
        start = 0
        for end in _EVENT_END.finditer(data):
            if end.end() == len(data) and data.endswith(b"\r"):
                break  # an LF that belongs to this line end may still come
            events.append(data[start : end.end()])
            start = end.end()
        self.rest = data[start:]
        return events


def payload(event: bytes) -> bytes | None:
    """The data of an event (several data lines joined by LF), or None if it has none."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2:
        data = event[6:-2]
        return data[:-1] if data.endswith(b"\r") else data
    lines = []
    for line in _LINE_END.split(event.removeprefix(_BOM)):
        if line.startswith(b"data:"):
            value = line[5:]
            lines.append(value[1:] if value.startswith(b" ") else value)
    return b"\n".join(lines) if lines else None


def named_event(name: str, data: bytes) -> bytes:
    """One event of that name with that single-line payload."""
    return f"event: {name}\n".encode() + event(data)


def event(data: bytes) -> bytes:
    """One event with that single-line payload."""
    assert b"\n" not in data
    return b"data: " + data + b"\n\n"
