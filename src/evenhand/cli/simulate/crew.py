"""Runs the policies of a plan, several at a time where there are processors for them.

Every run is made anew from the plan, so that it comes out the same wherever it runs.
"""

import multiprocessing
import signal
from collections.abc import Iterator, MutableSequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from evenhand.cli.simulate.plan import Plan, simulated
from evenhand.cli.simulate.problem import SimulateError
from evenhand.cli.simulate.progress import Progress
from evenhand.sim.exhibit import Exhibit

_LOOK_EVERY_S = 0.2

_counts: MutableSequence[int] = []
"""In a process of the crew: asks that have ended, by number of the policy; shared with all."""


def run_all(plan: Plan, progress: Progress, *, processes: int) -> list[Exhibit]:
    """In the order of the plan's policies. Raises SimulateError."""
    numbers = range(len(plan.policies))
    if processes == 1 or len(numbers) == 1:
        return [
            simulated(plan, number, lambda ended, n=number: progress.tell(n, ended))  # type: ignore[misc]
            for number in numbers
        ]
    # A fresh interpreter for each, so that nothing is inherited.
    context = multiprocessing.get_context("spawn")
    counts = context.Array("q", len(numbers), lock=False)
    crew = ProcessPoolExecutor(
        min(processes, len(numbers)), context, initializer=_begin, initargs=(counts,)
    )
    with _dismissed(crew):
        with _deaf_to_interrupts():
            futures = [crew.submit(_work, plan, number) for number in numbers]
        _follow(futures, counts, progress)
        try:
            return [future.result() for future in futures]
        except BrokenProcessPool:
            message = "a process of the simulation was killed; less memory is needed with 1"
            raise SimulateError("--processes", message) from None


@contextmanager
def _dismissed(crew: ProcessPoolExecutor) -> Iterator[None]:
    """Whatever happens, no process is left running."""
    try:
        yield
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        crew.shutdown(cancel_futures=True)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes that begin here never hear Ctrl-C, which a terminal tells to all; this one hears it
    afterwards, and ends them."""
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def _follow(
    futures: list[Future[Exhibit]], counts: MutableSequence[int], progress: Progress
) -> None:
    """Until all have ended, or one has failed."""
    is_open = True
    while is_open:
        done, not_done = wait(futures, timeout=_LOOK_EVERY_S)
        for number, ended in enumerate(counts):
            progress.tell(number, ended)
        is_open = bool(not_done) and not any(future.exception() for future in done)


def _begin(counts: MutableSequence[int]) -> None:
    global _counts  # noqa: PLW0603 - what an initializer is for
    _counts = counts


def _work(plan: Plan, number: int) -> Exhibit:
    def told(ended: int) -> None:
        _counts[number] = ended

    return simulated(plan, number, told)
