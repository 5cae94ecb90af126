"""Bytes of answers, taken apart."""

from typing import Final

import httptools

_NO_BODY: Final = frozenset({204, 304})
_KEPT: Final = {
    b"content-type": "content-type",
    b"content-length": "content-length",
    b"transfer-encoding": "transfer-encoding",
    b"retry-after": "retry-after",
}


class _NotHttpError(Exception):
    """The bytes are no HTTP answer."""


class AnswerReader:
    """Takes the answers of one connection apart, one after the other: `begin` each, and `feed` what is
    read.

    It holds the pieces of a single read, never more.
    """

    def __init__(self, head_bytes_max: int) -> None:
        self._pieces: list[bytes] = []
        self._head_bytes_max = head_bytes_max
        # The parser asks for its callbacks by name; a list's append spares a call per chunk.
        self.on_body = self._pieces.append
        self._parser = httptools.HttpResponseParser(self)
        self._parse = self._parser.feed_data
        self.fault = ""
        """Why the bytes are no answer, or none within the limits. No other can be read then."""
        self.begin()

    def begin(self) -> None:
        """Expect another answer. The one before, if there was one, must have been `reusable`."""
        self.status = 0
        """0 until the head of the final answer is complete."""
        self.headers: dict[str, str] = {}
        """Those that somebody reads: lower-case names; values of a repeated name joined by commas."""
        self.is_over = self.reusable = False
        """It has ended by its own framing, or by a fault; the connection may carry another request."""
        self._bodiless_bytes = 0

    @property
    def complete(self) -> bool:
        """The answer has ended by its own framing."""
        return self.is_over and not self.fault

    @property
    def ends_at_close(self) -> bool:
        """Only the end of the connection ends this answer."""
        headers = self.headers
        framed = "transfer-encoding" in headers or "content-length" in headers
        return self.status != 0 and not framed and self.status not in _NO_BODY

    def feed(self, data: bytes) -> bytes:
        """Take a read's bytes and return what they bring of the body, up to a fault if there is one."""
        # While the head is not complete, no byte was body: those before were the head's.
        if not self.status and self._bodiless_bytes + len(data) > self._head_bytes_max:
            data = self._past_head(data)
        return self.feed_body(data)

    def feed_body(self, data: bytes) -> bytes:
        """Do as `feed` does, with less work, once the head is complete."""
        try:
            self._parse(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._judge(error)
        pieces = self._pieces
        if len(pieces) == 1:
            self._bodiless_bytes = 0
            return pieces.pop()
        if pieces:
            self._bodiless_bytes = 0
            piece = b"".join(pieces)
            pieces.clear()
            return piece
        if not self.is_over:
            self._bodiless_bytes += len(data)
            if self._bodiless_bytes > self._head_bytes_max:
                self._spoil(f"more than {self._head_bytes_max} bytes without any body")
        return b""

    def _past_head(self, data: bytes) -> bytes:
        """Take the rest of the head, and no more than it may still have; return what follows."""
        head_bytes_left = self._head_bytes_max - self._bodiless_bytes
        try:
            self._parse(data[:head_bytes_left])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._judge(error)
        if not self.status and not self.fault:
            self._spoil(f"a head of more than {self._head_bytes_max} bytes")
        return b"" if self.fault else data[head_bytes_left:]

    def _judge(self, error: Exception) -> None:
        """Say what is wrong; where an answer was complete before, only its connection is spoilt."""
        if isinstance(error, httptools.HttpParserUpgrade):
            self._spoil("it switched to another protocol unasked")
        elif not self.is_over:
            self._spoil(str(error.__context__ or error))
        self.reusable = False

    def _spoil(self, fault: str) -> None:
        self.fault = fault
        self.is_over = True

    def on_message_begin(self) -> None:
        if self.is_over:
            raise _NotHttpError("bytes follow the complete answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        key = _KEPT.get(name.lower())
        # After the status there are only trailers.
        if key is None or self.status:
            return
        headers, text = self.headers, value.decode("latin-1").strip()
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self.headers.clear()
            return
        coding = self.headers.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            raise _NotHttpError(f"transfer-encoding {coding!r}, which nobody asked for")
        self.status = status

    def on_message_complete(self) -> None:
        if self.status:
            self.is_over = True
            self.reusable = self._parser.should_keep_alive()
