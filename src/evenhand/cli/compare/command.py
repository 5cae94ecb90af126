"""The command `evenhand compare`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from evenhand.cli.compare.figures_file import FiguresFileError, read_figures
from evenhand.cli.compare.pairs import Pair, differences, left_out, pairs
from evenhand.cli.compare.table import TENANTS_SHOWN_MAX, of_all, of_tenants
from evenhand.cli.terminal import console
from evenhand.sim.report.change import changes
from evenhand.sim.report.words import who

COLUMNS_MAX = 110


def compare(
    before: Annotated[Path, typer.Argument(metavar="A.json", help="The figures before.")],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="The figures after.")],
) -> None:
    """Tell what changed between two runs of `evenhand simulate`, policy by policy and tenant by tenant.

    Both files are what --json wrote. Policies of the same name are held
    against each other; of files with one policy each, these two.
    """
    try:
        was, now = read_figures(before), read_figures(after)
        found = pairs(was, now)
    except FiguresFileError as error:
        typer.echo(f"evenhand compare: {error}", err=True)
        raise typer.Exit(1) from None
    screen = console(COLUMNS_MAX)
    told = list(differences(was, now))
    screen.print(f"{before} -> {after}", markup=False)
    screen.print(f"Inputs: {'; '.join(told) or 'the same'}.", markup=False)
    for label in left_out(was, now):
        screen.print(f"{label} is in one of them only.", markup=False)
    for pair in found:
        _show(pair, screen)


def _show(pair: Pair, console: Console) -> None:
    console.print()
    console.print(pair.title, style="bold", markup=False)
    console.print(of_all(pair))
    tenants = list(changes(pair.before.tenants, pair.after.tenants))
    if tenants:
        console.print()
        console.print(of_tenants(tenants))
    if len(tenants) > TENANTS_SHOWN_MAX:
        more = f"{len(tenants) - TENANTS_SHOWN_MAX:,} tenants that changed less are not shown."
        console.print(more, style="dim", markup=False)
    console.print()
    missing = len(pair.before.tenants.keys() ^ pair.after.tenants.keys())
    if missing:
        console.print(f"{missing:,} tenants are in one run only.", markup=False)
    console.print(" ".join(who(tenants)), markup=False)
