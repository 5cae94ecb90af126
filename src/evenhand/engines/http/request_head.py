"""The bytes before a request's body."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from evenhand.engines.http.address import EngineAddress

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
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
        ).encode("latin-1")

    def post(self, path: str, headers: Sequence[tuple[str, str]], body_bytes: int) -> bytes:
        """Head of a POST whose body has `body_bytes` bytes."""
        own = f"content-length: {body_bytes}\r\n{_lines(headers)}\r\n"
        return b"POST " + self._target(path) + self._every + own.encode("latin-1")

    def get(self, path: str) -> bytes:
        """Head of a GET."""
        return b"GET " + self._target(path) + self._every + b"\r\n"

    def _target(self, path: str) -> bytes:
        target = self._prefix + path
        if not _is_path(path):
            raise ValueError(f"path {path!r} must begin with '/' and hold visible ASCII only")
        return target.encode("ascii")


def _lines(headers: Sequence[tuple[str, str]]) -> str:
    lines = ""
    for name, value in headers:
        if not _VALUE.fullmatch(value) or not _is_token(name):
            raise ValueError(f"header {name!r} holds characters that HTTP forbids; drop it")
        if name.lower() in _OURS:
            raise ValueError(f"header {name!r} is set by the client itself; drop it")
        lines += f"{name}: {value}\r\n"
    return lines


@lru_cache(maxsize=64)
def _is_path(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


@lru_cache(maxsize=64)
def _is_token(name: str) -> bool:
    """Callers send the same few names again and again."""
    return _NAME.fullmatch(name) is not None
