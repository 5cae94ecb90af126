"""A scripted engine in a process of its own, so that it can be stopped, continued and killed.

    async with EngineProcess() as engine:
        engine.signal(signal.SIGSTOP)

It answers every request with `tokens` tokens, one each `token_delay_s`.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from types import TracebackType
from typing import Self

from support.scripted_engine import Answer, ScriptedEngine

_START_S_MAX = 30


class EngineProcess:
    """See the module's docstring."""

    def __init__(self, *, tokens: int = 4, token_delay_s: float = 0.0) -> None:
        self.port = 0
        self._tokens = tokens
        self._token_delay_s = token_delay_s
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Without a path."""
        return f"http://127.0.0.1:{self.port}"

    def signal(self, number: int) -> None:
        """To its process."""
        assert self._process is not None
        self._process.send_signal(number)

    async def start(self) -> None:
        """Serve; on the same port as before, if it has served before."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "support.engine_process"),
            *(str(self.port), str(self._tokens), str(self._token_delay_s)),
            stdin=DEVNULL,
            stdout=PIPE,
            cwd=Path(__file__).parents[1],
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(_START_S_MAX):
            self.port = int(await self._process.stdout.readline())

    async def kill(self) -> None:
        """End it at once, whatever state it is in."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def __aenter__(self) -> Self:
        """Serve."""
        await self.start()
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _at: TracebackType | None,
    ) -> None:
        """Leave nothing behind."""
        await self.kill()


async def _serve(port: int, answer: Answer) -> None:
    engine = ScriptedEngine(("m",))
    engine.port, engine.default = port, answer
    await engine.listen()
    print(engine.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(
        _serve(int(sys.argv[1]), Answer(tokens=int(sys.argv[2]), token_delay_s=float(sys.argv[3])))
    )
