"""A real-socket engine that does as a test tells it, and records what it saw.

    async with ScriptedEngine() as engine:
        engine.default = Answer(tokens=8)                # every request
        engine.script(Answer(status=503), Answer())      # the next two, in order of arrival
        ... send requests to engine.url + "/v1/chat/completions" ...
        request = await engine.received(1)               # the first, once it has arrived
        await request.closed_by_client.wait()

It speaks chat and text completions, streamed and not, `n`, `max_tokens` and `stream_options`, and
answers GET /v1/models and GET /health (those land in `probes`, not in `requests`).

To hold an engine still, script `Answer(gated=True)`: every token waits for `request.step()`, and
`request.release()` lets the rest go. `tokens_produced` counts on the engine's side, so a test can
recount what the gateway charged. Faults: see the fields of `Answer`; `bad_sse.BAD_SSE` has bodies.

It runs in the test's own loop, listens on loopback, and leaves nothing behind.
"""

import asyncio
import json
import socket
import ssl
import struct
from collections import deque
from types import TracebackType
from typing import Self, cast

import httptools

from support.engine_request import EngineRequest
from support.scripted_answer import Answer, Framing, Usage, pieces

__all__ = ["Answer", "EngineRequest", "Framing", "ScriptedEngine", "Usage"]


class ScriptedEngine:
    """See the module's docstring."""

    def __init__(
        self, models: tuple[str, ...] = ("model",), *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._tls = tls
        self.models = models
        self.default = Answer()
        """What a request gets when nothing is scripted for it."""
        self.requests: list[EngineRequest] = []
        self.probes: list[EngineRequest] = []
        """GETs of /health and /v1/models, apart from the requests."""
        self.health_status: int | None = 200
        """Status of GET /health; None is silence."""
        self.models_status: int | None = 200
        self.running_max = 0
        """The most requests that were ever answered at once."""
        self.connections_made = 0
        self.connections: set[_Connection] = set()
        """The open ones."""
        self.port = 0
        self._running: set[EngineRequest] = set()
        self._scripted: deque[Answer] = deque()
        self._arrived = asyncio.Event()
        self._server: asyncio.AbstractServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """Requests being answered at this moment, from arrival to last byte or close."""
        return len(self._running)

    @property
    def url(self) -> str:
        """Without a path."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def script(self, *answers: Answer) -> None:
        """Append to the answers of the requests to come; after them comes `default`."""
        self._scripted.extend(answers)

    async def received(self, count: int) -> EngineRequest:
        """Wait until `count` requests have arrived in all; give the last of them."""
        while len(self.requests) < count:
            self._arrived.clear()
            await self._arrived.wait()
        return self.requests[count - 1]

    async def probed(self, count: int) -> EngineRequest:
        """Wait until `count` probes have arrived in all; give the last of them."""
        while len(self.probes) < count:
            self._arrived.clear()
            await self._arrived.wait()
        return self.probes[count - 1]

    async def listen(self) -> None:
        """Begin, or begin again on the same port after `crash`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, reuse_address=True, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def crash(self) -> None:
        """Refuse new connections and cut all open ones, as a killed process would."""
        if self._server is not None:
            self._server.close()
            self._server = None
        open_connections = list(self.connections)
        for connection in open_connections:
            connection.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(connection.gone.wait() for connection in open_connections))

    async def __aenter__(self) -> Self:
        """Listen."""
        await self.listen()
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _at: TracebackType | None,
    ) -> None:
        """Leave nothing behind."""
        await self.crash()

    def begin(self, connection: "_Connection", request: EngineRequest) -> "asyncio.Task[None]":
        """Answer a request (the connection's side)."""
        answer = self._probe_answer(request)
        if answer is not None:
            self.probes.append(request)
        else:
            answer = self._scripted.popleft() if self._scripted else self.default
            self.requests.append(request)
            self._running.add(request)
            self.running_max = max(self.running_max, self.running)
        self._arrived.set()
        task = asyncio.get_running_loop().create_task(
            _play(connection, request, answer, serial=len(self.requests))
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def over(self, request: EngineRequest) -> None:
        """Note that a request is no longer answered (the connection's side)."""
        self._running.discard(request)

    def _probe_answer(self, request: EngineRequest) -> Answer | None:
        if request.method != "GET" or request.path not in ("/health", "/v1/models"):
            return None
        models = [{"id": name, "object": "model"} for name in self.models]
        listed = {"object": "list", "data": models} if request.path == "/v1/models" else {}
        status = self.models_status if listed else self.health_status
        if status is None:
            return Answer(hang_before_head=True)
        if status != 200:
            return Answer(status=status)
        body = json.dumps(listed).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        return Answer(raw=head.encode() + b"\r\n\r\n" + body)


async def _play(
    connection: "_Connection", request: EngineRequest, answer: Answer, serial: int
) -> None:
    """Write the answer at its pace, up to its scripted failure."""
    body = request.json if request.body else {}
    budget = answer.cut_after_bytes
    hang = 0 if answer.hang_before_head else None
    ends = {"hang": answer.hang_after_tokens, "cut": answer.cut_after_tokens}
    if hang is not None:
        await asyncio.Event().wait()
    for piece in pieces(answer, request.path, body, serial):
        if piece.tokens:
            if request.tokens_produced == ends["hang"]:
                await asyncio.Event().wait()
            if request.tokens_produced == ends["cut"]:
                await connection.cut(reset=answer.reset)
                return
            if answer.gated:
                await request.pass_gate()
            if answer.token_delay_s:
                await asyncio.sleep(answer.token_delay_s)
            request.count(piece.tokens)
        data = piece.data if budget is None else piece.data[: budget - request.bytes_sent]
        await connection.send(request, data, answer.bytes_per_write)
        if budget is not None and request.bytes_sent >= budget:
            await connection.cut(reset=answer.reset)
            return
    connection.done(
        close=answer.closes_after or answer.says_close or answer.framing is Framing.CLOSE
    )


class _Connection(asyncio.Protocol):
    """One client's connection; requests one after the other."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self._engine = engine
        self.gone = asyncio.Event()
        self._serial = 0
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._request: EngineRequest | None = None
        self._seen: list[EngineRequest] = []
        self._task: asyncio.Task[None] | None = None
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._engine.connections_made += 1
        self._serial = self._engine.connections_made
        self._engine.connections.add(self)
        # No buffer: what counts as sent is in the kernel, and a slow client holds the engine.
        self._transport.set_write_buffer_limits(high=1, low=0)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def eof_received(self) -> None:
        assert self._transport
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.gone.set()
        self._writable.set()
        self._engine.connections.discard(self)
        if self._task is not None:
            self._task.cancel()
        for request in self._seen:
            self._engine.over(request)
            request.closed_at = asyncio.get_running_loop().time()
            request.closed.set()
        if self._request is not None:
            self._request.closed_by_client.set()

    def on_message_begin(self) -> None:
        assert self._task is None, "a client must not pipeline"
        self._request = EngineRequest(self._serial)

    def on_url(self, url: bytes) -> None:
        assert self._request
        self._request.path += url.decode("ascii")

    def on_header(self, name: bytes, value: bytes) -> None:
        assert self._request
        self._request.headers.append((name.decode("ascii").lower(), value.decode("latin-1")))

    def on_body(self, data: bytes) -> None:
        assert self._request
        self._request.body += data

    def on_message_complete(self) -> None:
        assert self._request
        self._request.method = self._parser.get_method().decode("ascii")
        self._seen.append(self._request)
        self._task = self._engine.begin(self, self._request)

    async def send(self, request: EngineRequest, data: bytes, bytes_per_write: int | None) -> None:
        """Write, no faster than the client reads."""
        size = bytes_per_write or len(data) or 1
        for start in range(0, len(data), size):
            await self._writable.wait()
            assert self._transport
            part = data[start : start + size]
            self._transport.write(part)
            request.bytes_sent += len(part)
            if bytes_per_write:
                await asyncio.sleep(0)

    def done(self, *, close: bool) -> None:
        """Finish the answer."""
        assert self._request
        assert self._transport
        self._request.answered.set()
        self._engine.over(self._request)
        self._request = self._task = None
        if close:
            self._transport.close()

    async def cut(self, *, reset: bool) -> None:
        """Kill the connection from the engine's side, once what was written is on the wire."""
        await self._writable.wait()
        self._request = self._task = None
        assert self._transport
        if not reset:
            self._transport.close()
            return
        raw: socket.socket = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def abort(self) -> None:
        """Die at once, with whatever is under way."""
        self._request = None
        if self._transport is not None:
            self._transport.abort()
