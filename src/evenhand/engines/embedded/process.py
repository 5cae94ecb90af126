"""One run of the engine's process, from its start to its end."""

import asyncio
import contextlib
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import IO, Self

from evenhand.engines.embedded.error import EmbeddedEngineError
from evenhand.engines.embedded.lifeline import READY_LINE

_TERMINATE_S_MAX = 1.0
_LAST_WORDS_BYTES = 1500
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class EngineProcess:
    """A child that serves. `stop` must be called, whether the child has ended or not."""

    def __init__(self, process: Process, log: IO[bytes], held: contextlib.ExitStack) -> None:
        self._process = process
        self._log = log
        self._held = held

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @classmethod
    async def start(cls, arguments: list[str], *, ready_s_max: float) -> Self:
        """Run the child with `arguments` and return when it serves.

        Raises EmbeddedEngineError, with the child's last words, if it ends before it serves or
        needs longer than `ready_s_max`; then nothing of it is left.
        """
        held = contextlib.ExitStack()
        try:
            # No name: llama.cpp's chatter floods no terminal and leaves nothing behind.
            log = held.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - `held` closes it
            process = await _spawn(arguments, log, held)
        except BaseException as error:
            held.close()
            if isinstance(error, OSError):
                raise EmbeddedEngineError(
                    f"cannot start a process for the embedded engine: {error}; "
                    "free memory, disk or file descriptors"
                ) from error
            raise
        engine = cls(process, log, held)
        try:
            await engine._ready(ready_s_max)
        except BaseException:
            await engine.stop()
            raise
        return engine

    async def _ready(self, ready_s_max: float) -> None:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(ready_s_max):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise EmbeddedEngineError(
                f"the embedded engine did not load its model within {ready_s_max:g} s; "
                f"choose a smaller model or free the processor. {self.last_words()}"
            ) from None
        if line != READY_LINE:
            raise EmbeddedEngineError(
                "the embedded engine ended before it served; check the model file, the context "
                f"size and the free memory. {self.last_words()}"
            )

    async def ended(self) -> str:
        """Wait for the child's end; say how it ended."""
        code = await self._process.wait()
        return f"was killed by signal {-code}" if code < 0 else f"exited with {code}"

    def resident_bytes(self) -> int:
        """Memory the child holds now; 0 when it has ended."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return int(pages) * _PAGE_BYTES

    def last_words(self) -> str:
        """The end of what the child wrote to its log, for an error message."""
        descriptor = self._log.fileno()
        size = os.fstat(descriptor).st_size
        text = os.pread(descriptor, _LAST_WORDS_BYTES, max(0, size - _LAST_WORDS_BYTES)).decode(
            errors="replace"
        )
        return f"It said:\n{text.rstrip()}" if text.strip() else "It said nothing."

    async def stop(self) -> None:
        """End the child: SIGTERM, after a second SIGKILL. Returns when nothing is left of it.

        Calling it again is harmless. `last_words` cannot be asked afterwards.
        """
        try:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(_TERMINATE_S_MAX):
                    await self._process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        finally:
            self._held.close()


async def _spawn(arguments: list[str], log: IO[bytes], held: contextlib.ExitStack) -> Process:
    """Start the child; the parent's end of its lifeline is closed with `held`."""
    child_end, lifeline = os.pipe()
    held.callback(os.close, lifeline)
    spawning = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            # -P: a stray file in the working directory is never imported in place of a package.
            *(sys.executable, "-P", "-m", "evenhand.engines.embedded.child"),
            *arguments,
            stdin=child_end,
            stdout=PIPE,
            stderr=log,
        )
    )
    try:
        return await asyncio.shield(spawning)
    except asyncio.CancelledError:
        process = await spawning  # half started, it would be nobody's to end
        process.kill()
        await process.wait()
        raise
    finally:
        os.close(child_end)
