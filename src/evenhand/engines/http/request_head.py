"""The bytes before a request's body."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from evenhand.engines.http.address import EngineAddress

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_STARTS_MAX: Final = 64
_PATH: Final = re.compile(r"/[\x21-\x7e]*")
_OURS: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class RequestHead:
    """Writes request heads for one engine.

    Header values that could end a line are refused with ValueError, as are the headers that frame
    a message: whoever sets those could smuggle a second request.
    """

    def __init__(self, address: EngineAddress, headers: Sequence[tuple[str, str]]) -> None:
        self._prefix = address.path_prefix
        self._every = (
            f" HTTP/1.1\r\nhost: {address.authority}\r\naccept-encoding: identity\r\n"
            + _lines(headers)
        )
        # What stands before the headers of one request, by path. Bounded by `_STARTS_MAX`.
        self._post_starts: dict[str, str] = {}

    def post(self, path: str, headers: Sequence[tuple[str, str]], body_bytes: int) -> bytes:
        """Head of a POST whose body has `body_bytes` bytes."""
        start = self._post_starts.get(path) or self._post_start(path)
        own = f"{start}content-length: {body_bytes}\r\n{_lines(headers)}\r\n"
        return own.encode("latin-1")

    def get(self, path: str) -> bytes:
        """Head of a GET."""
        return f"GET {self._target(path)}{self._every}\r\n".encode("latin-1")

    def _post_start(self, path: str) -> str:
        start = f"POST {self._target(path)}{self._every}"
        if len(self._post_starts) < _STARTS_MAX:
            self._post_starts[path] = start
        return start

    def _target(self, path: str) -> str:
        if _PATH.fullmatch(path) is None:
            raise ValueError(f"path {path!r} must begin with '/' and hold visible ASCII only")
        return self._prefix + path


def _lines(headers: Sequence[tuple[str, str]]) -> str:
    lines = ""
    for name, value in headers:
        start = _line_start(name)
        if not _VALUE.fullmatch(value):
            raise ValueError(f"header {name!r} holds characters that HTTP forbids; drop it")
        lines += start + value + "\r\n"
    return lines


@lru_cache(maxsize=64)
def _line_start(name: str) -> str:
    """Callers send the same few names again and again."""
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"header {name!r} holds characters that HTTP forbids; drop it")
    if name.lower() in _OURS:
        raise ValueError(f"header {name!r} is set by the client itself; drop it")
    return f"{name}: "
