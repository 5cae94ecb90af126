"""`evenhand golden vtc`: every run in a file of the VTC artifact's measured rows, replayed."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from evenhand.cli.golden.vtc_screen import show
from evenhand.cli.terminal import console
from evenhand.sim.golden.vtc_comparison import RunComparison, compare
from evenhand.sim.golden.vtc_rows import MeasuredRun, read_runs
from evenhand.sim.golden.vtc_setup import setup_of

COLUMNS_MAX = 140
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def vtc(
    file: Annotated[
        Path,
        typer.Argument(help="Measured rows, .csv or .csv.gz: run, total_time_s, t_s, client, ..."),
    ],
    *,
    json: Annotated[Path | None, typer.Option(help="Write the result to this file.")] = None,
    clients: Annotated[
        bool, typer.Option("--clients", help="Show every client, not the busiest alone.")
    ] = False,
) -> None:
    """Compare makespan, throughput, waits and fairness of measured VTC runs with their replays.

    Which scheduler, GPU and pool a run had is read from its name.
    """
    try:
        runs = read_runs(file)
    except (ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    compared, unknown = _compare_all(runs)
    show(runs, compared, console(COLUMNS_MAX), shows_all_clients=clients)
    for reason in unknown.values():
        typer.echo(f"Not replayed: {reason}", err=True)
    if json is not None:
        document = {"runs": {name: run.model_dump() for name, run in compared.items()}}
        json.write_bytes(orjson.dumps({**document, "not_replayed": unknown}, option=_JSON))
    if not compared:
        raise typer.Exit(1)


def _compare_all(
    runs: list[MeasuredRun],
) -> tuple[dict[str, RunComparison], dict[str, str]]:
    """By name: comparisons, and why there is none."""
    compared: dict[str, RunComparison] = {}
    unknown: dict[str, str] = {}
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("requests, left"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("", total=sum(len(run) for run in runs))
        for run in runs:
            bar.update(task, description=run.name)
            try:
                compared[run.name] = compare(run, setup_of(run.name))
            except ValueError as error:
                unknown[run.name] = str(error)
            bar.advance(task, len(run))
    return compared, unknown
