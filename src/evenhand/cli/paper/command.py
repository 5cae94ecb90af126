"""`evenhand paper NAME`: what a paper says, what we get, and a verdict for each figure."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from evenhand.cli.paper.screen import show
from evenhand.cli.terminal import console
from evenhand.sim.papers.built_in import PAPERS
from evenhand.sim.papers.page import paper_page
from evenhand.sim.papers.paper import NoDataError, Order, Paper
from evenhand.sim.papers.result import PaperResult

COLUMNS_MAX = 140
PROCESSES_MAX = 2


def paper(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(PAPERS)}.")],
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller runs: seconds.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write the result to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page to this file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with the measured runs.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Runs at once; at most 2 unless set.")
    ] = None,
) -> None:
    """Run a paper's experiments again: its figures beside ours, with a verdict for each."""
    if name not in PAPERS:
        typer.echo(f"There is no paper {name}. Name one of: {', '.join(PAPERS)}.", err=True)
        raise typer.Exit(1)
    at_once = processes or min(PROCESSES_MAX, os.cpu_count() or 1)
    try:
        result = _followed(PAPERS[name], quick=quick, data=data, processes=at_once)
    except NoDataError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    show(result, console(COLUMNS_MAX))
    if json is not None:
        _write("--json", json, result.model_dump_json(indent=1) + "\n")
    if html is not None:
        _write("--html", html, paper_page(result))


def _write(option: str, file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        typer.echo(f"{option} {file}: {error.strerror}. Name a file that can be written.", err=True)
        raise typer.Exit(1) from None


def _followed(paper: Paper, *, quick: bool, data: Path | None, processes: int) -> PaperResult:
    """Run it, with a bar that says how long it will take."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(paper.name, total=None)

        def told(done: int, of: int, what: str) -> None:
            bar.update(task, completed=done, total=of, description=f"{paper.name}: {what}")

        return paper.run(Order(quick=quick, processes=processes, data=data, progress=told))
