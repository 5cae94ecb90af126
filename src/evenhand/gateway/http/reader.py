"""From received bytes to requests, without sockets or time."""

from evenhand.gateway.http.chunked import ChunkedBody
from evenhand.gateway.http.complaint import LINE_ENDS, broken_so_far, line_complaint
from evenhand.gateway.http.head import REQUEST_LINE, ReadHead, read_head
from evenhand.gateway.http.refusal import RefusalError, ambiguous
from evenhand.gateway.http.settings import EdgeSettings
from evenhand.model.outcome import Outcome

_HEAD_END = b"\r\n\r\n"


class RequestReader:
    """Reads the requests of one connection in turn: `head`, then `body`, then `head` again.

    After a RefusalError the reader is spent: the rest of the bytes has no meaning.
    """

    __slots__ = ("_chunked", "_held", "_line_checked", "_read", "_searched_bytes", "_settings")

    def __init__(self, settings: EdgeSettings) -> None:
        self._settings = settings
        self._held = bytearray()
        self._searched_bytes = 0
        self._line_checked = False
        self._read: ReadHead | None = None
        self._chunked: ChunkedBody | None = None

    @property
    def held_bytes(self) -> int:
        """Received bytes that no request has taken. The owner bounds them."""
        return len(self._held)

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._held += data

    def head(self) -> ReadHead | None:
        """Return the next request's head, or None while it is incomplete. Raises RefusalError."""
        held = self._held
        end = held.find(_HEAD_END, max(0, self._searched_bytes - 3))
        bytes_max = self._settings.head_bytes_max
        if end + len(_HEAD_END) > bytes_max or (end < 0 and len(held) > bytes_max):
            raise RefusalError(
                Outcome.HEAD_TOO_LARGE,
                f"Send a request line and headers of at most {bytes_max} bytes in all.",
            )
        if end < 0:
            self._check_unfinished()
            return None
        raw = bytes(held[: end + len(_HEAD_END)])
        del held[: end + len(_HEAD_END)]
        self._searched_bytes = 0
        self._line_checked = False
        self._read = read = read_head(raw, self._settings)
        if read.chunked:
            self._chunked = ChunkedBody(self._settings.body_bytes_max, bytes_max)
        return read

    def body(self) -> bytes | None:
        """Return the body of the request whose head was read last, or None while it is incomplete.

        Call until it returns the body. Raises RefusalError.
        """
        read = self._read
        assert read is not None, "a body follows a head"
        if self._chunked is not None:
            body = self._chunked.take(self._held)
            if body is not None:
                self._chunked = None
            return body
        if len(self._held) < read.body_bytes:
            return None
        if len(self._held) == read.body_bytes:
            body = bytes(self._held)
            self._held.clear()
        else:
            body = bytes(self._held[: read.body_bytes])
            del self._held[: read.body_bytes]
        return body

    def _check_unfinished(self) -> None:
        """Refuse at once what no further byte can mend, instead of waiting for the timeout."""
        held = self._held
        if broken_so_far(held, max(0, self._searched_bytes - 1)):
            raise ambiguous(LINE_ENDS)
        if not self._line_checked:
            line_end = held.find(b"\r\n")
            if line_end >= 0:
                if REQUEST_LINE.match(held) is None:
                    raise ambiguous(line_complaint(bytes(held[: line_end + 2])))
                self._line_checked = True
        self._searched_bytes = len(held)
