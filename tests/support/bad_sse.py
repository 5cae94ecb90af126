"""Streams that no engine should send, for `Answer(sse=...)`."""

from typing import Final

_CHUNK: Final = (
    b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"model",'
    b'"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}'
)

BAD_SSE: Final[dict[str, bytes]] = {
    "crlf line ends": b"data: " + _CHUNK + b"\r\n\r\ndata: [DONE]\r\n\r\n",
    "cr line ends": b"data: " + _CHUNK + b"\r\rdata: [DONE]\r\r",
    "mixed line ends": b"data: " + _CHUNK + b"\r\n\ndata: " + _CHUNK + b"\r\r\ndata: [DONE]\n\r\n",
    "comments": b": ping\n\ndata: " + _CHUNK + b"\n\n: pong\n\ndata: [DONE]\n\n",
    "byte order mark": b"\xef\xbb\xbfdata: " + _CHUNK + b"\n\ndata: [DONE]\n\n",
    "no space after the colon": b"data:" + _CHUNK + b"\n\ndata:[DONE]\n\n",
    "other fields": b"event: x\nid: 1\nretry: 5\ndata: " + _CHUNK + b"\n\ndata: [DONE]\n\n",
    "bad json": b'data: {"id":\n\ndata: ' + _CHUNK + b"\n\ndata: [DONE]\n\n",
    "json but no object": b"data: 7\n\ndata: [1]\n\ndata: null\n\ndata: [DONE]\n\n",
    "nul bytes": b"data: \x00\x00\n\ndata: " + _CHUNK + b"\n\ndata: [DONE]\n\n",
    "not utf-8": b"data: \xff\xfe\n\ndata: [DONE]\n\n",
    "two ends": b"data: " + _CHUNK + b"\n\ndata: [DONE]\n\ndata: [DONE]\n\n",
    "data after the end": b"data: [DONE]\n\ndata: " + _CHUNK + b"\n\n",
    "no end": b"data: " + _CHUNK + b"\n\n",
    "cut event": b"data: " + _CHUNK,
    "error event": b'data: {"error":{"message":"out of memory","code":500}}\n\n',
    "empty": b"",
}
"""By what is wrong with them."""


def long_line(line_bytes: int = 10 * 2**20) -> bytes:
    """One event whose line is longer than any parser should hold."""
    return b'data: {"x":"' + b"a" * line_bytes + b'"}\n\ndata: [DONE]\n\n'
