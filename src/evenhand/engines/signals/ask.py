"""Asks an engine for one page, of bounded size, within bounded time."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from evenhand.engines.http import EngineClient, Lost


class Page(NamedTuple):
    """What an engine answered."""

    status: int
    body: bytes

    @property
    def is_missing(self) -> bool:
        """It said that it has no such page, or shows it to nobody, or not to us."""
        return self.status in (401, 403, 404, 405, 501)


class NoPageError(Exception):
    """There was no whole answer, for the reason given; asked again there may be one."""


async def ask(
    client: EngineClient,
    path: str,
    *,
    body: bytes | None = None,
    bytes_max: int,
    timeout_ms: int,
) -> Page:
    """GET the path, or POST a JSON `body` to it. Raises NoPageError."""
    listener = _Reader(asyncio.get_running_loop().create_future(), bytes_max)
    if body is None:
        attempt = client.get(path, listener, first_byte_timeout_ms=timeout_ms)
    else:
        headers = (("content-type", "application/json"),)
        attempt = client.post(path, body, headers, listener, first_byte_timeout_ms=timeout_ms)
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            reason = await listener.ended
    except TimeoutError:
        reason = str(Lost.TIMED_OUT)
    finally:
        attempt.abort()
    if reason is None:
        return Page(listener.status, bytes(listener.body))
    detail = f" ({attempt.detail})" if attempt.detail else ""
    raise NoPageError(f"{path}: {reason}{detail}")


class _Reader:
    """Keeps the body up to its limit."""

    def __init__(self, ended: "asyncio.Future[str | None]", bytes_max: int) -> None:
        self.status = 0
        self.body = bytearray()
        self.ended = ended
        """With None when the answer is whole, else with what went wrong."""
        self._bytes_max = bytes_max

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        del headers
        self.status = status

    def on_body(self, data: bytes) -> None:
        if len(self.body) + len(data) > self._bytes_max:
            self._end(f"answered more than {self._bytes_max} bytes")
        elif not self.ended.done():
            self.body += data

    def on_end(self) -> None:
        self._end(None)

    def on_lost(self, reason: Lost) -> None:
        self._end(str(reason))

    def _end(self, reason: str | None) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)
