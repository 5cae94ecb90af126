"""Chunked request bodies: our own framing decides where one ends, llhttp must agree.

Chunk extensions and trailers are refused: nobody who calls an LLM sends them, and servers disagree
about where they end.
"""

import re

import httptools

from evenhand.gateway.http.refusal import ambiguous, body_too_large

_FIRST_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_NEXT_SIZE = re.compile(rb"\r\n([0-9A-Fa-f]{1,8})\r\n")
_END = re.compile(rb"\r\n")
# What a line that is still arriving may look like.
_PARTIAL = {
    _FIRST_SIZE: re.compile(rb"(?:[0-9A-Fa-f]{1,8}\r?)?"),
    _NEXT_SIZE: re.compile(rb"\r?|\r\n(?:[0-9A-Fa-f]{1,8}\r?)?"),
    _END: re.compile(rb"\r?"),
}
_LINE_BYTES_MAX = 12
# The decoder gets a head of its own: an Upgrade offer in the client's makes llhttp skip the body.
_HEAD = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


class ChunkedBody:
    """The decoder of one body. `framing_bytes_spare` bounds what chunk sizes and line ends may add
    beyond as many bytes as the body itself has."""

    def __init__(self, body_bytes_max: int, framing_bytes_spare: int) -> None:
        self._body_bytes_max = body_bytes_max
        self._framing_bytes_left = framing_bytes_spare
        self._announced_bytes = 0
        self._chunk_bytes_left = 0
        self._expected = _FIRST_SIZE
        self._ended = False
        self._sink = _Sink()
        self._decoder = httptools.HttpRequestParser(self._sink)
        self._decoder.feed_data(_HEAD)

    def take(self, held: bytearray) -> bytes | None:
        """Consume from `held`; return the whole body once its end is there, None before.

        Bytes after the end stay in `held`. Raises RefusalError for a malformed or too large body.
        """
        at = self._walk(held)
        if at:
            self._decode(bytes(held[:at]))
            del held[:at]
        if not self._ended:
            return None
        body = b"".join(self._sink.pieces)
        if not self._sink.complete or len(body) != self._announced_bytes:
            raise ambiguous("The chunked body can be read in two ways: send Content-Length.")
        return body

    def _walk(self, held: bytearray) -> int:
        """Return how far `held` belongs to this body, line by line and chunk by chunk."""
        at = 0
        while not self._ended:
            if self._chunk_bytes_left:
                step = min(self._chunk_bytes_left, len(held) - at)
                self._chunk_bytes_left -= step
                at += step
                if self._chunk_bytes_left:
                    return at
            line = self._expected.match(held, at)
            if line is None:
                if not _PARTIAL[self._expected].fullmatch(held[at : at + _LINE_BYTES_MAX + 1]):
                    raise ambiguous(
                        "The chunked body is malformed: send hexadecimal chunk sizes without "
                        "extensions, the data, CRLF, and no trailers; or send Content-Length."
                    )
                return at
            at = line.end()
            self._enter(line)
        return at

    def _enter(self, line: re.Match[bytes]) -> None:
        if self._expected is _END:
            self._ended = True
            return
        size = int(line[1], 16)
        self._announced_bytes += size
        if self._announced_bytes > self._body_bytes_max:
            raise body_too_large(self._body_bytes_max)
        self._framing_bytes_left += size - (line.end() - line.start())
        if self._framing_bytes_left < 0:
            raise ambiguous("The chunks are too small: send larger ones, or send Content-Length.")
        self._chunk_bytes_left = size
        self._expected = _NEXT_SIZE if size else _END

    def _decode(self, raw: bytes) -> None:
        try:
            self._decoder.feed_data(raw)
        except httptools.HttpParserError as error:
            raise ambiguous(f"The chunked body is malformed ({error}).") from error


class _Sink:
    """What the decoder calls."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.complete = False

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        self.complete = True
