"""A real-socket engine that does as a test tells it, and records what it saw.

    async with ScriptedEngine() as engine:
        engine.default = Answer(tokens=8)                # every request
        engine.script(Answer(status=503), Answer())      # the next two, in order of arrival
        ... send requests to engine.url + "/v1/chat/completions" ...
        request = await engine.received(1)               # the first, once it has arrived
        await request.closed_by_client.wait()

It speaks chat and text completions, streamed and not, `n`, `max_tokens` and `stream_options`,
embeddings, `/v1/responses` and `/v1/messages` (see `scripted_apis`). It answers GET /v1/models and
GET /health (those land in `probes`, not in `requests`).
What it says of itself is in `pages`, by path (asked for, it lands in `readings`); a page that is not
there is answered with 404:

        engine.pages["/metrics"] = page("vllm:num_requests_running 2\\n")

With `engine.counters = Counters(engine)` /metrics tells what it has counted, as vLLM does.

To hold an engine still, script `Answer(gated=True)`: every token waits for `request.step()`, and
`request.release()` lets the rest go. `tokens_produced` counts on the engine's side, so a test can
recount what the gateway charged. Faults: see the fields of `Answer`; `bad_sse.BAD_SSE` has bodies.

It runs in the test's own loop, listens on loopback, and leaves nothing behind.
"""

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from support.engine_request import EngineRequest
from support.scripted_answer import Answer, Framing, Usage
from support.scripted_connection import ScriptedConnection

if TYPE_CHECKING:
    from support.engine_counters import Counters

__all__ = ["Answer", "EngineRequest", "Framing", "ScriptedEngine", "Usage", "page"]

_TELLING = frozenset(
    {
        *("/metrics", "/prometheus/metrics", "/slots", "/props", "/version"),
        *("/server_info", "/get_server_info", "/kv_event_sources"),
    }
)
"""Pages on which engines tell of themselves."""


def page(text: str | bytes, *, content_type: str = "text/plain") -> Answer:
    """That text, whole."""
    body = text if isinstance(text, bytes) else text.encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}"
    return Answer(raw=head.encode() + b"\r\n\r\n" + body)


class ScriptedEngine:
    """See the module's docstring."""

    def __init__(
        self, models: tuple[str, ...] = ("model",), *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._tls = tls
        self.models = models
        self.default = Answer()
        self.decide: Callable[[EngineRequest], Answer] | None = None
        """Answers whatever is not scripted, in place of `default`."""
        """What a request gets when nothing is scripted for it."""
        self.requests: list[EngineRequest] = []
        self.probes: list[EngineRequest] = []
        """GETs of /health and /v1/models, apart from the requests."""
        self.pages: dict[str, Answer] = {}
        """What it says of itself."""
        self.counters: Counters | None = None
        """What /metrics tells, where it is set."""
        self.readings: list[EngineRequest] = []
        """GETs of what it says of itself, apart from the requests."""
        self.health_status: int | None = 200
        """Status of GET /health; None is silence."""
        self.models_status: int | None = 200
        self.running_max = 0
        """The most requests that were ever answered at once."""
        self.connections_made = 0
        self.connections: set[ScriptedConnection] = set()
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

    async def read(self, count: int) -> EngineRequest:
        """Wait until pages on itself were asked for `count` times in all; give the last asking."""
        while len(self.readings) < count:
            self._arrived.clear()
            await self._arrived.wait()
        return self.readings[count - 1]

    async def listen(self) -> None:
        """Begin, or begin again on the same port after `crash`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: ScriptedConnection(self),
            "127.0.0.1",
            self.port,
            reuse_address=True,
            ssl=self._tls,
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

    def begin(self, request: EngineRequest) -> tuple[Answer, int]:
        """Record a request; give its script and its number (the connection's side)."""
        answer = self._probe_answer(request)
        told = self._told(request)
        if answer is not None:
            self.probes.append(request)
        elif told is not None:
            answer = told
            self.readings.append(request)
        else:
            other = self.default if self.decide is None else self.decide(request)
            answer = self._scripted.popleft() if self._scripted else other
            self.requests.append(request)
            self._running.add(request)
            self.running_max = max(self.running_max, self.running)
        self._arrived.set()
        return answer, len(self.requests)

    def run(self, answering: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run an answer as a task that does not outlive the engine (the connection's side)."""
        task = asyncio.get_running_loop().create_task(answering)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def over(self, request: EngineRequest) -> None:
        """Note that a request is no longer answered (the connection's side)."""
        self._running.discard(request)

    def _told(self, request: EngineRequest) -> Answer | None:
        if request.method != "GET" or request.path not in (_TELLING | self.pages.keys()):
            return None
        if request.path == "/metrics" and self.counters is not None:
            return page(self.counters.text())
        return self.pages.get(request.path, Answer(status=404))

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
        return page(body, content_type="application/json")
