"""A small OpenAI server with slots and a queue, to drive load against: chat completions, streamed.

    async with TinyServer(order=Order.TURNS) as server: ... server.url ...

Every request takes a slot; one that must wait is taken in order of arrival (FIFO) or by the tenant
served least often (TURNS). The tenant is the API key. An answer is `tokens` words after `prefill_s`.
"""

import asyncio
import json
from collections import Counter
from enum import Enum, auto
from types import TracebackType
from typing import Any, Self


class Order(Enum):
    FIFO = auto()
    TURNS = auto()


class TinyServer:
    def __init__(
        self,
        *,
        order: Order = Order.FIFO,
        slots: int = 4,
        tokens: int = 3,
        prefill_s: float = 0.0,
        status: int = 200,
        breaks_off: bool = False,
    ) -> None:
        self.order = order
        self.tokens = tokens
        self.prefill_s = prefill_s
        self.status = status
        self.breaks_off = breaks_off
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.url = ""
        self.quiet = asyncio.Event()
        """No connection is open; set for the first time when the last one closes."""
        self.hold: asyncio.Event | None = None
        """Set it to an Event to keep every answer waiting for it."""
        self._open = 0
        self._free = slots
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._served: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        self.quiet.clear()
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                self.bodies.append(body)
                self.keys.append(headers["authorization"].removeprefix("bearer "))
                await self._answer(writer, body, self.keys[-1])
                if self.breaks_off:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._open -= 1
            if not self._open:
                self.quiet.set()

    async def _answer(self, writer: asyncio.StreamWriter, body: dict[str, Any], key: str) -> None:
        if self.status != 200:
            error = json.dumps({"error": {"message": "not today", "type": "x"}}).encode()
            head = f"HTTP/1.1 {self.status} No\r\ncontent-length: {len(error)}\r\n\r\n"
            writer.write(head.encode() + error)
            return
        await self._slot(key)
        try:
            await asyncio.sleep(self.prefill_s)
            if self.hold:
                await self.hold.wait()
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            tokens = min(self.tokens, body["max_tokens"])
            for _ in range(tokens):
                _chunk(writer, {"choices": [{"index": 0, "delta": {"content": " word"}}]})
                await writer.drain()
                await asyncio.sleep(0)
            if self.breaks_off:
                return
            words = sum(len(m["content"].split()) for m in body["messages"])
            usage = {"prompt_tokens": words, "completion_tokens": tokens}
            _chunk(writer, {"choices": [], "usage": usage})
            writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
            await writer.drain()
        finally:
            self._release()

    async def _slot(self, key: str) -> None:
        if self._free:
            self._free -= 1
        else:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((key, turn))
            await turn
        self._served[key] += 1

    def _release(self) -> None:
        self._waiting = [(key, turn) for key, turn in self._waiting if not turn.done()]
        if not self._waiting:
            self._free += 1
            return
        least = min(self._waiting, key=lambda item: self._served[item[0]])
        chosen = self._waiting[0] if self.order is Order.FIFO else least
        self._waiting.remove(chosen)
        chosen[1].set_result(None)


def _chunk(writer: asyncio.StreamWriter, value: dict[str, Any]) -> None:
    event = b"data: " + json.dumps(value).encode() + b"\n\n"
    writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
