"""Bytes of one answer, taken apart."""

from typing import Final

import httptools

_NO_BODY: Final = frozenset({204, 304})


class NotHttpError(Exception):
    """The bytes are no HTTP answer, or one with a head beyond the limit."""


class _BeyondEndError(Exception):
    """Bytes follow a complete answer."""


class AnswerReader:
    """Takes one answer apart; the caller feeds bytes and asks what they brought.

    It holds the pieces of a single read, never more: take them after each `feed`.
    """

    def __init__(self, head_bytes_max: int) -> None:
        self.status = 0
        """0 until the head of the final answer is complete."""
        self.headers: dict[str, str] = {}
        """Lower-case names; values of a repeated name joined by commas."""
        self.complete = False
        """The answer has ended by its own framing."""
        self.reusable = False
        """The connection may carry another request after this answer."""
        self.ends_at_close = False
        """Only the end of the connection ends this answer."""
        self._pieces: list[bytes] = []
        self._head_bytes_max = head_bytes_max
        self._bodiless_bytes = 0
        self._header_bytes = 0
        # The parser asks for its callbacks by name; a list's append spares a call per chunk.
        self.on_body = self._pieces.append
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take a read's bytes. Raises NotHttpError; what came before the fault can be taken."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.complete:
                raise NotHttpError(str(error.__context__ or error)) from error
            self.reusable = False
        except httptools.HttpParserUpgrade as error:
            raise NotHttpError("it switched to another protocol unasked") from error
        if self._pieces:
            self._bodiless_bytes = 0
        elif not self.complete:
            self._bodiless_bytes += len(data)
            if self._bodiless_bytes > self._head_bytes_max:
                raise NotHttpError(f"more than {self._head_bytes_max} bytes without any body")

    def take(self) -> bytes:
        """Take the body bytes read since the last call."""
        pieces = self._pieces
        if len(pieces) == 1:
            return pieces.pop()
        data = b"".join(pieces)
        pieces.clear()
        return data

    def forget(self) -> None:
        """Let go of the parser, which refers back to this reader."""
        del self._parser, self.on_body

    def on_message_begin(self) -> None:
        if self.complete:
            raise _BeyondEndError

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > self._head_bytes_max:
            raise NotHttpError(f"a head of more than {self._head_bytes_max} bytes")
        if self.status:
            return  # a trailer
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1").strip()
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self.headers.clear()
            return
        coding = self.headers.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            raise NotHttpError(f"transfer-encoding {coding!r}, which nobody asked for")
        self.status = status
        self.reusable = self._parser.should_keep_alive()
        self.ends_at_close = (
            coding is None and "content-length" not in self.headers and status not in _NO_BODY
        )

    def on_message_complete(self) -> None:
        self.complete = self.status != 0
