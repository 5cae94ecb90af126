"""A request as a scripted engine saw it."""

import asyncio
import json
from typing import Any


class EngineRequest:
    """A request as the engine saw it, and how its answer went."""

    def __init__(self, connection: int) -> None:
        self.connection = connection
        """Serial number of the connection, from 1."""
        self.method = ""
        self.path = ""
        self.headers: list[tuple[str, str]] = []
        """In the order of the wire, names in lower case."""
        self.body = b""
        self.tokens_produced = 0
        self.bytes_sent = 0
        self.answered = asyncio.Event()
        """The whole answer was written."""
        self.closed = asyncio.Event()
        """The connection is gone, whoever closed it."""
        self.closed_by_client = asyncio.Event()
        """The client closed before the answer was complete."""
        self.closed_at: float | None = None
        """The loop's time when the connection went."""
        self._gate = asyncio.Semaphore(0)
        self._released = False
        self._progress = asyncio.Event()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The one value of a header, None if it is missing."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    def step(self, tokens: int = 1) -> None:
        """Let a gated answer produce more."""
        for _ in range(tokens):
            self._gate.release()

    def release(self) -> None:
        """Let a gated answer run to its end."""
        self._released = True
        self._gate.release()

    async def produced(self, tokens: int) -> None:
        """Wait until so many tokens were produced."""
        while self.tokens_produced < tokens:
            self._progress.clear()
            await self._progress.wait()

    async def pass_gate(self) -> None:
        """Wait for a step (the engine's side)."""
        if not self._released:
            await self._gate.acquire()

    def count(self, tokens: int) -> None:
        """Note produced tokens (the engine's side)."""
        self.tokens_produced += tokens
        self._progress.set()
