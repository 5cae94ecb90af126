"""From received bytes to requests, without sockets or time."""

from evenhand.gateway.http.chunked import ChunkedBody
from evenhand.gateway.http.complaint import LINE_ENDS, broken_so_far, line_complaint
from evenhand.gateway.http.contract import RequestHead
from evenhand.gateway.http.head import REQUEST_LINE, read_head
from evenhand.gateway.http.refusal import RefusalError, ambiguous
from evenhand.gateway.http.settings import EdgeSettings
from evenhand.model.outcome import Outcome

_HEAD_END = b"\r\n\r\n"
_HEAD_END_BYTES = len(_HEAD_END)


class RequestReader:
    """Reads the requests of one connection in turn: `head`, then `body`, then `head` again.

    After a RefusalError the reader is spent: the rest of the bytes has no meaning.
    """

    __slots__ = ("_body_bytes", "_chunked", "_line_checked", "_search_from", "_settings", "held")

    def __init__(self, settings: EdgeSettings) -> None:
        self._settings = settings
        self.held = bytearray()
        """Received bytes that no request has taken. Their owner adds to them, and bounds them."""
        self._search_from = 0
        """Where the end of an unfinished head may begin."""
        self._line_checked = False
        self._body_bytes = 0
        self._chunked: ChunkedBody | None = None

    def head(self) -> RequestHead | None:
        """Return the next request's head, or None while it is incomplete. Raises RefusalError."""
        held = self.held
        end = held.find(_HEAD_END, self._search_from)
        bytes_max = self._settings.head_bytes_max
        if end < 0:
            if len(held) > bytes_max:
                raise self._too_large()
            self._check_unfinished()
            return None
        end += _HEAD_END_BYTES
        if end > bytes_max:
            raise self._too_large()
        raw = bytes(held[:end])
        del held[:end]
        if self._search_from:
            self._search_from = 0
            self._line_checked = False
        head = read_head(raw, self._settings)
        self._body_bytes = head.content_length or 0
        if head.is_chunked:
            self._chunked = ChunkedBody(self._settings.body_bytes_max, bytes_max)
        return head

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
        if broken_so_far(held, self._search_from):
            raise ambiguous(LINE_ENDS)
        if not self._line_checked:
            line_end = held.find(b"\r\n")
            if line_end >= 0:
                if REQUEST_LINE.match(held) is None:
                    raise ambiguous(line_complaint(bytes(held[: line_end + 2])))
                self._line_checked = True
        self._search_from = max(0, len(held) - _HEAD_END_BYTES + 1)

    def _too_large(self) -> RefusalError:
        return RefusalError(
            Outcome.HEAD_TOO_LARGE,
            f"Send a request line and headers of at most {self._settings.head_bytes_max} bytes in all.",
        )
