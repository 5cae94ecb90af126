"""The load: kept-alive connections that ask, and check that every answer is whole."""

import asyncio
import json
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import httptools

from bench.answers import MODEL


class BenchError(Exception):
    """Something answered what it should not have, or not at all: no figure is worth anything."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask, and with which keys."""

    host: str
    port: int
    keys: tuple[str, ...]
    pids: tuple[int, ...]
    """Whose CPU counts; none where nothing stands between load and engine."""


@dataclass(slots=True)
class Exchange:
    """One request and its answer. Times are monotonic seconds."""

    asked_s: float
    first_s: float = 0.0
    """When the first byte of the body came; 0 before."""
    ended_s: float = 0.0
    status: int = 0
    checksum: int = 0


def chat(key: str, *, prompt_bytes: int, bench: object = None, chunks: int = 0) -> bytes:
    """The bytes of one chat request; `chunks` 0 asks for an answer that is not streamed."""
    text = ("The quick brown fox jumps over the lazy dog. " * (prompt_bytes // 45 + 1))[
        :prompt_bytes
    ]
    asked: dict[str, object] = {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": text},
        ],
        "temperature": 0.7,
        "max_tokens": chunks or 256,
    }
    if chunks:
        asked["stream"] = True
    if bench is not None:
        asked["bench"] = bench
    body = json.dumps(asked).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:8080\r\naccept: application/json\r\n"
        f"user-agent: bench\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """Asks one request at a time; `on_piece` hears of body bytes, `on_end` of whole answers."""

    _transport: asyncio.Transport

    def __init__(self, load: "Load", number: int) -> None:
        self._load = load
        self.number = number
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None

    def ask(self, request: bytes) -> None:
        self._exchange = Exchange(time.monotonic())
        self._transport.write(request)

    def leave(self) -> None:
        """Close, whatever is under way."""
        self._exchange = None
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._load.fail(f"not HTTP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._exchange is not None:
            self._load.fail(f"the connection was closed in the middle of an answer: {exc}")

    def on_headers_complete(self) -> None:
        if self._exchange is not None:
            self._exchange.status = self._parser.get_status_code()

    def on_body(self, piece: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            return  # what came after we had left
        if not exchange.first_s:
            exchange.first_s = time.monotonic()
        exchange.checksum = zlib.crc32(piece, exchange.checksum)
        self._load.on_piece(self, piece)

    def on_message_complete(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.ended_s = time.monotonic()
            self._load.ended(self, exchange)


def _itself(connection: Connection) -> Connection:
    return connection


class Load:
    """Connections to one target. Await `done`; it raises BenchError at the first fault."""

    def __init__(
        self,
        target: Target,
        *,
        checksum: int,
        on_end: Callable[[Connection, Exchange], None],
        on_piece: Callable[[Connection, bytes], None] = lambda _c, _p: None,
    ) -> None:
        self._target = target
        self._checksum = checksum
        self._on_end = on_end
        self.on_piece = on_piece
        self.connections: list[Connection] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self, connections: int) -> Sequence[Connection]:
        """Open so many more."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            connection = Connection(self, len(self.connections))
            made = partial(_itself, connection)
            await loop.create_connection(made, self._target.host, self._target.port)
            self.connections.append(connection)
        return self.connections

    def ended(self, connection: Connection, exchange: Exchange) -> None:
        if exchange.status != 200 or exchange.checksum != self._checksum:
            self.fail(f"status {exchange.status}, or an answer that is not what the engine said")
            return
        self._on_end(connection, exchange)

    def fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(BenchError(reason))

    def finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def close(self) -> None:
        for connection in self.connections:
            connection.leave()
