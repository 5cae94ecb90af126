"""What a calibration found, in a terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from evenhand.sim.calibration.calibrate import Calibration
from evenhand.sim.golden.vllm_comparison import Latency

_NO_HOST_MS = 0.05
_NAMES = {"ttft": "TTFT", "end_to_end": "end to end", "time_per_token": "time per token"}


def show(found: Calibration, remarks: Sequence[str], console: Console) -> None:
    """Errors before and after, on what was fitted and on the rest."""
    console.print(
        f"{found.profile.name}: {found.fit.host_ms:.2f} ms of host time a step,"
        f" kernels x{found.fit.kernels:.3f}",
        style="bold",
    )
    if found.fit.host_ms < _NO_HOST_MS:
        console.print(
            "No host time is left over: this engine's kernels differ in kind from the profile's.",
            style="yellow",
        )
    for remark in remarks:
        console.print(f"{remark}.", style="yellow")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("error of a request", no_wrap=True)
    for name in ("median before", "after", "ninth decile before", "after"):
        table.add_column(name, justify="right")
    _rows(table, f"fitted ({found.fitted_on})", found.fitted_before, found.fitted_after)
    if found.held_out:
        _rows(table, f"held out ({found.held_out})", found.held_out_before, found.held_out_after)
    console.print(table)


def _rows(table: Table, part: str, before: Latency, after: Latency) -> None:
    table.add_row(f"[dim]{part}[/dim]")
    for name, words in _NAMES.items():
        was, now = getattr(before, name), getattr(after, name)
        errors = (was.median, now.median, was.p90, now.p90)
        table.add_row(f"  {words}", *(f"{error:.1%}" for error in errors))
