"""How far the runs are, and how long they will take; on stderr, and only for a person's eyes."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

_SPEED_OVER_S = 60.0


class Progress:
    """A bar for each policy. Nothing is written where stderr is no terminal."""

    def __init__(self, labels: Sequence[str], *, size: int) -> None:
        console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
            speed_estimate_period=_SPEED_OVER_S,
        )
        self._tasks = [self._bars.add_task(label, total=size, start=False) for label in labels]
        self._ended = [0] * len(labels)

    def tell(self, number: int, ended: int) -> None:
        """So many asks of that run have ended by now."""
        if ended == self._ended[number]:
            return
        task = self._tasks[number]
        if not self._ended[number]:
            self._bars.start_task(task)
        self._ended[number] = ended
        self._bars.update(task, completed=ended)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()
