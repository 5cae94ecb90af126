"""A listener that writes down what it hears and holds the client to its contract."""

import asyncio
from collections.abc import Mapping

from evenhand.engines.http import Lost


class AnswerLog:
    """Fails the test if a call comes twice, too early, or after the last one."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.pieces: list[bytes] = []
        self.lost: Lost | None = None
        self.over = asyncio.Event()
        self.closed_to_calls = False
        """Set it after an abort: any later call is a fault."""
        self.faults: list[str] = []
        self._heard = asyncio.Event()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def complete(self) -> bool:
        return self.over.is_set() and self.lost is None

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        self._check("on_head", allowed=self.status is None)
        self.status = status
        self.headers = headers
        self._heard.set()

    def on_body(self, data: bytes) -> None:
        self._check("on_body", allowed=self.status is not None and bool(data))
        self.pieces.append(data)
        self._heard.set()

    def on_end(self) -> None:
        self._check("on_end", allowed=self.status is not None)
        self._finish()

    def on_lost(self, reason: Lost) -> None:
        self._check("on_lost", allowed=True)
        self.lost = reason
        self._finish()

    async def ended(self) -> "AnswerLog":
        """Wait for the last call."""
        await self.over.wait()
        assert not self.faults
        return self

    async def heard(self, what: bytes = b"") -> None:
        """Wait until the head and `what` have come."""
        while self.status is None or what not in self.body:
            assert not self.over.is_set(), f"it ended with {self.lost} first"
            self._heard.clear()
            await self._heard.wait()

    def _finish(self) -> None:
        self.over.set()
        self._heard.set()

    def _check(self, call: str, *, allowed: bool) -> None:
        if not allowed or self.over.is_set() or self.closed_to_calls:
            self.faults.append(f"{call} came at the wrong time")
            raise AssertionError(self.faults[-1])
