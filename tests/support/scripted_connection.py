"""One connection of a scripted engine: reads requests, plays their answers."""

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

import httptools

from support.engine_request import EngineRequest
from support.scripted_answer import Answer, Framing, pieces

if TYPE_CHECKING:
    from support.scripted_engine import ScriptedEngine


class ScriptedConnection(asyncio.Protocol):
    """One client's connection; requests one after the other."""

    def __init__(self, engine: "ScriptedEngine") -> None:
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

    def abort(self) -> None:
        """Die at once, with whatever is under way."""
        self._request = None
        if self._transport is not None:
            self._transport.abort()

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
        answer, serial = self._engine.begin(self._request)
        self._task = self._engine.run(self._play(self._request, answer, serial))

    async def _play(self, request: EngineRequest, answer: Answer, serial: int) -> None:
        """Write the answer at its pace, up to its scripted failure."""
        if answer.hang_before_head:
            await asyncio.Event().wait()
        body = request.json if request.body else {}
        bytes_left = answer.cut_after_bytes
        for piece in pieces(answer, request.path, body, serial):
            if piece.tokens:
                if _reached(answer.hang_after_tokens, request):
                    await asyncio.Event().wait()
                if _reached(answer.cut_after_tokens, request):
                    await self._cut(reset=answer.reset)
                    return
                if answer.gated:
                    await request.pass_gate()
                if answer.token_delay_s:
                    await asyncio.sleep(answer.token_delay_s)
                request.count(piece.tokens)
            data = piece.data[:bytes_left]
            await self._send(request, data, answer.bytes_per_write)
            if bytes_left is not None:
                bytes_left -= len(data)
                if bytes_left == 0:
                    await self._cut(reset=answer.reset)
                    return
        close = answer.closes_after or answer.says_close or answer.framing is Framing.CLOSE
        self._done(close=close)

    async def _send(self, request: EngineRequest, data: bytes, bytes_per_write: int | None) -> None:
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

    def _done(self, *, close: bool) -> None:
        """Finish the answer."""
        assert self._request
        assert self._transport
        self._request.answered.set()
        self._engine.over(self._request)
        self._request = self._task = None
        if close:
            self._transport.close()

    async def _cut(self, *, reset: bool) -> None:
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


def _reached(tokens: int | None, request: EngineRequest) -> bool:
    return tokens is not None and request.tokens_produced >= tokens
