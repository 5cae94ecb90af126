"""A real gateway process in front of scripted engines, in a loop of its own thread, so that a test may
drive a browser by its blocking API.

    with stage(folder, configure) as s:
        s.traffic("KEY_A", clients=8, tokens=40)
        page.goto(s.admin_url)

`s.call(coroutine)` runs something in that loop and gives its result. Traffic is closed-loop: each client
sends its next request when the answer has come; it ends with the block.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from support.raw_http import RawAnswer
from support.scripted_engine import Answer, ScriptedEngine, page
from support.serve import SECRETS, Served, serving

Configure = Callable[[list[ScriptedEngine]], dict[str, Any]]
MODELS = ("m", "small", "large")
_CALL_S_MAX = 60
_KV_PART = 0.07
"""Of an engine's memory, what a request is said to hold."""
_T = TypeVar("_T")


class Stage:
    """Handles on it, for the test's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, keys: Mapping[str, str]) -> None:
        self._loop = loop
        self._keys = keys
        self._clients: list[asyncio.Task[None]] = []
        self.served: Served
        self.engines: list[ScriptedEngine] = []
        self.answered = 0
        self._is_finishing = False

    @property
    def admin_url(self) -> str:
        return self.served.admin_url

    def call(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_S_MAX)

    def get(self, path: str) -> RawAnswer:
        """A page of the admin listener, as its owner."""
        return self.call(self.served.admin(path))

    def traffic(
        self,
        key: str,
        *,
        clients: int = 4,
        tokens: int = 20,
        words: int = 30,
        pause_s: float = 0.0,
        model: str = "m",
    ) -> None:
        """Begin to send with the key of that variable; `finish_traffic` ends it."""
        body = {
            "model": model,
            "messages": [{"role": "user", "content": " ".join(["word"] * words)}],
            "max_tokens": tokens,
        }

        async def begin() -> None:
            for _ in range(clients):
                self._clients.append(self._loop.create_task(self._client(key, body, pause_s)))

        self.call(begin())

    def tell_signals(self) -> None:
        """From here on the engines say of themselves what they do, in vLLM's words."""

        async def begin() -> None:
            self._clients.append(self._loop.create_task(self._signals()))

        self.call(begin())

    async def _signals(self) -> None:
        while True:
            for engine in self.engines:
                told = {
                    "num_requests_running": engine.running,
                    "num_requests_waiting": 0,
                    "kv_cache_usage_perc": engine.running * _KV_PART,
                    "num_preemptions_total": 0,
                }
                lines = [f'vllm:{name}{{engine="0"}} {value}\n' for name, value in told.items()]
                engine.pages["/metrics"] = page("".join(lines))
            await asyncio.sleep(0.2)

    def finish_traffic(self) -> None:
        """Send nothing more, and see the last answers out."""
        self._is_finishing = True
        self.call(self._finish_traffic())
        self._is_finishing = False

    async def pause(self) -> None:
        """A moment for the traffic."""
        await asyncio.sleep(0.1)

    async def _client(self, key: str, body: dict[str, Any], pause_s: float) -> None:
        while not self._is_finishing:
            # A gateway that is shutting down cuts its clients off; a test says so where it matters.
            with contextlib.suppress(OSError, EOFError):
                stream = await self.served.stream(body, key=self._keys[key])
                try:
                    await stream.events()
                finally:
                    stream.leave()
                self.answered += 1
            await asyncio.sleep(pause_s)

    async def _finish_traffic(self) -> None:
        clients, self._clients = self._clients, []
        await asyncio.gather(*clients)

    async def _stop_traffic(self) -> None:
        clients, self._clients = self._clients, []
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


@contextmanager
def stage(
    folder: Path,
    configure: Configure,
    *,
    engines: int = 2,
    answer: Answer | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Stage]:
    """Stand it up for the length of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stage")
    thread.start()
    own = Stage(loop, {**SECRETS, **(environment or {})})
    stack = AsyncExitStack()

    async def stand_up() -> None:
        for _ in range(engines):
            engine = await stack.enter_async_context(ScriptedEngine(models=MODELS))
            engine.default = answer or Answer(tokens=40, token_delay_s=0.01)
            own.engines.append(engine)
        config = configure(own.engines)
        own.served = await stack.enter_async_context(
            serving(config, folder=folder, environment=environment)
        )
        for engine in config["engines"]:
            await own.served.logged("engine", engine=engine["name"], up=True)

    async def take_down() -> None:
        await own._stop_traffic()
        await stack.aclose()

    try:
        own.call(stand_up())
        yield own
    finally:
        own.call(take_down())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
