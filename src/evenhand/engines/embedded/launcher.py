"""The embedded engine as the gateway sees it: a URL that serves, and is brought back when down."""

import asyncio
import importlib.util
import logging
import socket
from collections.abc import Callable
from pathlib import Path

from evenhand.engines.embedded.error import EmbeddedEngineError
from evenhand.engines.embedded.process import EngineProcess
from evenhand.engines.embedded.random_model import random_model_file
from evenhand.engines.embedded.settings import EmbeddedSettings

_READY_S_MAX = 120.0  # a model of several GB from a slow disk
_MEMORY_CHECK_S = 1.0
_RESTART_S_FIRST, _RESTART_S_MAX = 0.1, 30.0
_STEADY_S = 60.0  # serving this long makes the next restart a first one
_GGUF_MAGIC = b"GGUF"

_log = logging.getLogger(__name__)


class EmbeddedEngine:
    """llama.cpp in a process of its own, watched and restarted. `start` once, then `stop`.

    All calls happen on one event loop; `on_change(True)` when it begins to serve, `on_change(False)`
    when it is down. `stop` reports nothing. `on_change` must not raise.
    """

    def __init__(self, settings: EmbeddedSettings, *, on_change: Callable[[bool], None]) -> None:
        self._settings = settings
        self._on_change = on_change
        self._reservation: socket.socket | None = None
        self._arguments: list[str] = []
        self._port = 0
        self._process: EngineProcess | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`; fixed once `start` was called, restarts included."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process id of the present run, None between runs."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Return when the engine serves.

        Raises EmbeddedEngineError with what to do about it after one failed try of at most two
        minutes; then nothing is left running.
        """
        assert self._watch is None, "start is called once"
        if importlib.util.find_spec("xllamacpp") is None:
            raise EmbeddedEngineError(
                "the embedded engine needs the package xllamacpp: pip install 'evenhand[embedded]'"
            )
        model_file = await asyncio.to_thread(_model_file, self._settings.model_file)
        self._reservation = _reserve_port()
        self._port = self._reservation.getsockname()[1]
        self._arguments = _child_arguments(self._settings, model_file, self._port)
        try:
            self._process = await self._run()
        except BaseException:
            self._reservation.close()
            raise
        self._on_change(True)
        self._watch = asyncio.create_task(self._keep_serving(), name="embedded engine watch")

    async def stop(self) -> None:
        """End the process: SIGTERM, after a second SIGKILL. Safe to call twice, or without start."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await self._end_process()
        if self._reservation is not None:
            self._reservation.close()

    async def _run(self) -> EngineProcess:
        return await EngineProcess.start(self._arguments, ready_s_max=_READY_S_MAX)

    async def _end_process(self) -> None:
        if self._process is not None:
            await self._process.stop()
            self._process = None

    async def _keep_serving(self) -> None:
        loop = asyncio.get_running_loop()
        delay_s = _RESTART_S_FIRST
        while True:
            began_s = loop.time()
            reason = await self._until_unfit()
            self._on_change(False)
            _log.warning("the embedded engine is restarted: it %s", reason)
            await self._end_process()
            if loop.time() - began_s >= _STEADY_S:
                delay_s = _RESTART_S_FIRST
            delay_s = await self._bring_back(delay_s)
            self._on_change(True)

    async def _until_unfit(self) -> str:
        """Wait until the process has ended or holds too much memory; say which."""
        assert self._process is not None
        bytes_max = self._settings.memory_bytes_max
        while True:
            try:
                async with asyncio.timeout(_MEMORY_CHECK_S):
                    ending = await self._process.ended()
            except TimeoutError:
                resident_bytes = self._process.resident_bytes()
            else:
                return f"{ending}. {self._process.last_words()}"
            if resident_bytes > bytes_max:
                return f"holds {resident_bytes} bytes of memory, more than {bytes_max}"

    async def _bring_back(self, delay_s: float) -> float:
        """Start until it serves, each time after a longer delay; return the delay for next time."""
        while self._process is None:
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _RESTART_S_MAX)
            try:
                self._process = await self._run()
            except EmbeddedEngineError as error:
                _log.error("%s\nIt is tried again in %g s.", error, delay_s)
        return delay_s


def _model_file(chosen: Path | None) -> Path:
    if chosen is None:
        return random_model_file()
    try:
        with chosen.open("rb") as file:
            magic = file.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise EmbeddedEngineError(
            f"cannot read the model file {chosen}: {error.strerror}; "
            "name a readable GGUF file, or none for random weights"
        ) from error
    if magic != _GGUF_MAGIC:
        raise EmbeddedEngineError(
            f"{chosen} is no GGUF file; llama.cpp reads no other format: "
            "convert the model, or name no file for random weights"
        )
    return chosen


def _reserve_port() -> socket.socket:
    """A free port that stays ours while the engine is down: bound, never listened on."""
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reservation.bind(("127.0.0.1", 0))
    return reservation


def _child_arguments(settings: EmbeddedSettings, model_file: Path, port: int) -> list[str]:
    embeds = [f"--pooling={settings.pooling}"] if settings.pooling else []
    return [
        *embeds,
        f"--model-file={model_file.absolute()}",
        f"--port={port}",
        f"--slots={settings.slots}",
        f"--context-tokens={settings.context_tokens}",
        f"--threads={settings.threads_used}",
    ]
