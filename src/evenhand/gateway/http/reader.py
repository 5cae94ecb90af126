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

    __slots__ = ("_body_bytes", "_chunked", "_line_checked", "_searched_bytes", "_settings", "held")

    def __init__(self, settings: EdgeSettings) -> None:
        self._settings = settings
        self.held = bytearray()
        """Received bytes that no request has taken. Their owner adds to them, and bounds them."""
        self._searched_bytes = 0
        self._line_checked = False
        self._body_bytes = 0
        self._chunked: ChunkedBody | None = None

    def head(self) -> ReadHead | None:
        """Return the next request's head, or None while it is incomplete. Raises RefusalError."""
        held = self.held
        searched_bytes = self._searched_bytes
        end = held.find(_HEAD_END, searched_bytes - 3 if searched_bytes > 3 else 0) + 4
        bytes_max = self._settings.head_bytes_max
        is_whole = end > 3
        if (end if is_whole else len(held)) > bytes_max:
            raise RefusalError(
                Outcome.HEAD_TOO_LARGE,
                f"Send a request line and headers of at most {bytes_max} bytes in all.",
            )
        if not is_whole:
            self._check_unfinished()
            return None
        raw = bytes(held[:end])
        del held[:end]
        if searched_bytes:
            self._searched_bytes = 0
            self._line_checked = False
        read = read_head(raw, self._settings)
        self._body_bytes = read.body_bytes
        if read.chunked:
            self._chunked = ChunkedBody(self._settings.body_bytes_max, bytes_max)
        return read

    def body(self) -> bytes | None:
        """Return the body of the request whose head was read last, or None while it is incomplete.

        Call until it returns the body. Raises RefusalError.
        """
        held, body_bytes = self.held, self._body_bytes
        if self._chunked is not None:
            body = self._chunked.take(held)
            if body is not None:
                self._chunked = None
            return body
        held_bytes = len(held)
        if held_bytes < body_bytes:
            return None
        if held_bytes == body_bytes:
            body = bytes(held)
            held.clear()
        else:
            body = bytes(held[:body_bytes])
            del held[:body_bytes]
        return body

    def _check_unfinished(self) -> None:
        """Refuse at once what no further byte can mend, instead of waiting for the timeout."""
        held = self.held
        if broken_so_far(held, max(0, self._searched_bytes - 1)):
            raise ambiguous(LINE_ENDS)
        if not self._line_checked:
            line_end = held.find(b"\r\n")
            if line_end >= 0:
                if REQUEST_LINE.match(held) is None:
                    raise ambiguous(line_complaint(bytes(held[: line_end + 2])))
                self._line_checked = True
        self._searched_bytes = len(held)
