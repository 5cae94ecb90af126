"""One engine's GPU time as its own scheduler tells it, in a file on this machine."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from evenhand.engines.step_time_file import StepTimeProblemError, ToldSteps, read_step_time
from evenhand.ledger import Consumer
from evenhand.ledger.gpu import NOBODY, GpuKind, GpuOwner, Stretch, ToldAccount, ToldTime
from evenhand.model import ApplicationName, KeyId, ModelName


class ToldFile:
    """`book` with each stretch as it was estimated; out comes what is to be booked. `offset_us` is from
    the machine's monotonic clock to the account's; `on_problem` hears what is wrong with the file, and
    None when it is well again. The engine is not told of keys, nor of models by their names here: if
    it has one `model`, that is it."""

    def __init__(
        self,
        path: Path,
        *,
        offset_us: int,
        gpus: int,
        model: ModelName,
        on_problem: Callable[[str | None], None],
    ) -> None:
        self._path = path
        self._offset_us = offset_us
        self._gpus = gpus
        self._model = model
        self._on_problem = on_problem
        self._problem: str | None = ""
        self._account = ToldAccount()
        self._reading: asyncio.Task[ToldSteps | StepTimeProblemError] | None = None

    def book(self, stretch: Stretch) -> Iterator[Stretch]:
        """What can be booked by now. All of it must be taken."""
        self._account.estimated(stretch)
        if self._reading is not None and self._reading.done():
            told, self._reading = self._reading.result(), None
            self._note(told if isinstance(told, StepTimeProblemError) else None)
            if isinstance(told, ToldSteps):
                yield from self._account.told(self._time(told))
        yield from self._account.late(stretch.to_us)
        if self._reading is None:
            # Off the loop: a file can hang.
            reading = asyncio.to_thread(_read, self._path)
            self._reading = asyncio.get_running_loop().create_task(reading)

    def close(self) -> Iterator[Stretch]:
        """What still waits, as it was estimated."""
        if self._reading is not None:
            self._reading.cancel()
        yield from self._account.rest()

    def _time(self, told: ToldSteps) -> ToldTime:
        gpu_us = {
            GpuOwner(
                GpuKind.EXACT,
                Consumer(owner.tenant, ApplicationName(owner.application), KeyId("")),
                self._model,
            ): owner.us * self._gpus
            for owner in told.owners
            if owner.us
        }
        if told.idle_us:
            gpu_us[NOBODY[GpuKind.IDLE]] = told.idle_us * self._gpus
        since_us, until_us = told.since_us + self._offset_us, told.until_us + self._offset_us
        return ToldTime(run=told.run, since_us=since_us, until_us=until_us, gpu_us=gpu_us)

    def _note(self, error: StepTimeProblemError | None) -> None:
        problem = None if error is None else str(error)
        if problem != self._problem:
            self._problem = problem
            self._on_problem(problem)


def _read(path: Path) -> ToldSteps | StepTimeProblemError:
    try:
        return read_step_time(path)
    except StepTimeProblemError as error:
        return error
