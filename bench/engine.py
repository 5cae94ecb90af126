"""The scripted engine: OpenAI chat answers at no cost of thought. `python -m bench.engine`.

It prints its port, serves until its standard input is closed, and obeys what a request says of itself:
`max_tokens` is the number of chunks, `bench.pace_ms` their distance (0: back to back; all streams of
one pace step together, as the sequences of one engine do), `bench.is_silent` that nothing is answered.
`GET /left` tells when (monotonic seconds) connections were closed in the middle of an answer.
"""

import asyncio
import json
import socket
import sys
import time
from functools import cache
from typing import Any, cast

import httptools
import orjson
import uvloop

from bench.answers import WHOLE, events

_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_LAST_CHUNK = b"0\r\n\r\n"


def whole_answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"content-type: application/json\r\n\r\n" + body


_WHOLE_ANSWER = whole_answer(WHOLE)


@cache
def frames(chunks: int, *, usage: bool, usage_each: bool) -> tuple[bytes, ...]:
    """The events as chunks of HTTP, the last ones together."""
    told = events(chunks, usage=usage, usage_each=usage_each)
    framed = [b"%x\r\n%b\r\n" % (len(event), event) for event in told]
    return (*framed[: chunks - 1], b"".join(framed[chunks - 1 :]) + _LAST_CHUNK)


class Pace:
    """One step clock, and the streams that step with it. Bounded by the connections."""

    def __init__(self, pace_ms: float, loop: asyncio.AbstractEventLoop) -> None:
        self._pace_s = pace_ms / 1000
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self.streams: set[Connection] = set()

    def join(self, connection: "Connection") -> None:
        self.streams.add(connection)
        if self._timer is None:
            self._step_at(self._loop.time() + self._pace_s)

    def _step_at(self, due_s: float) -> None:
        self._timer = self._loop.call_at(due_s, self._step, due_s)

    def _step(self, due_s: float) -> None:
        self._timer = None
        for connection in list(self.streams):
            connection.step()
        if self.streams:
            self._step_at(max(due_s + self._pace_s, self._loop.time()))


class Connection(asyncio.Protocol):
    """One client of the engine: one request at a time."""

    _transport: asyncio.Transport

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._url = b""
        self._frames: tuple[bytes, ...] = ()
        self._told = 0
        self._pace: Pace | None = None
        self._is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._is_answering:
            self._engine.left_s.append(time.monotonic())
        self._leave_pace()

    def on_url(self, url: bytes) -> None:
        self._url = url
        self._body = []

    def on_body(self, piece: bytes) -> None:
        self._body.append(piece)

    def on_message_complete(self) -> None:
        if not self._body:
            told = self._engine.left_s if self._url == b"/left" else []
            self._transport.write(whole_answer(json.dumps(told).encode()))
            return
        asked = orjson.loads(b"".join(self._body))
        bench = asked.get("bench", {})
        self._is_answering = True
        if bench.get("is_silent"):
            return
        if asked.get("stream"):
            self._begin(asked, bench.get("pace_ms", 0))
        else:
            self._transport.write(_WHOLE_ANSWER)
            self._is_answering = False

    def step(self) -> None:
        """Say the next chunk."""
        self._transport.write(self._frames[self._told])
        self._told += 1
        if self._told == len(self._frames):
            self._is_answering = False
            self._leave_pace()

    def _begin(self, asked: dict[str, Any], pace_ms: float) -> None:
        options = asked.get("stream_options") or {}
        self._frames = frames(
            asked["max_tokens"],
            usage=options.get("include_usage", False),
            usage_each=options.get("continuous_usage_stats", False),
        )
        self._told = 0
        self._transport.write(_STREAM_HEAD)
        self.step()
        if pace_ms and self._is_answering:
            self._pace = self._engine.pace(pace_ms)
            self._pace.join(self)
        while not pace_ms and self._is_answering:
            self.step()

    def _leave_pace(self) -> None:
        if self._pace is not None:
            self._pace.streams.discard(self)
            self._pace = None


class Engine:
    """What connections share."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.left_s: list[float] = []
        self._paces: dict[float, Pace] = {}

    def pace(self, pace_ms: float) -> Pace:
        if pace_ms not in self._paces:
            self._paces[pace_ms] = Pace(pace_ms, self.loop)
        return self._paces[pace_ms]


async def main() -> None:
    loop = asyncio.get_running_loop()
    engine = Engine(loop)
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = await loop.create_server(lambda: Connection(engine), sock=listening, backlog=1024)
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    closed = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), closed.set)
    await closed.wait()
    loop.remove_reader(sys.stdin.fileno())
    server.close()


if __name__ == "__main__":
    uvloop.run(main())
