"""A calibration that shows how it gets on."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from evenhand.sim.calibration.calibrate import Calibration, calibrate
from evenhand.sim.engine_log.timestamps import Timestamps
from evenhand.sim.profile import EngineProfile


def calibrated(log: Sequence[Timestamps], profile: EngineProfile, *, fit_first: int) -> Calibration:
    """As `calibrate`; counts its replays on stderr, where that is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed} replays"), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("fit", total=None)
        return calibrate(log, profile, fit_first=fit_first, tell=lambda: progress.advance(task))
