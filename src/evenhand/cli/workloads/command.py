"""`evenhand workloads`: lists what can be simulated; with a name, explains one."""

from typing import Annotated

import typer

from evenhand.cli.terminal import console, write_json
from evenhand.cli.workloads.listing import listing
from evenhand.cli.workloads.portrait import in_brief, portrait
from evenhand.cli.workloads.screen import show
from evenhand.workloads.catalog import WORKLOADS, recipe_named

COLUMNS_MAX = 120


def workloads(
    name: Annotated[
        str | None, typer.Argument(help="Explain this one; without, all are listed.")
    ] = None,
    *,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Turn a dial of it; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(help="What is drawn; equal seeds, equal traffic.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="As JSON, on one line.")] = False,
) -> None:
    """List the traffic that can be simulated, or explain one workload with all its dials."""
    if name is None:
        if json:
            write_json({"workloads": [in_brief(recipe) for recipe in WORKLOADS.values()]})
        else:
            listing(WORKLOADS.values(), console(COLUMNS_MAX))
        return
    try:
        recipe = recipe_named(name)
        told = portrait(recipe, settings or [], seed)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if json:
        write_json(told)
    else:
        show(recipe, told, console(COLUMNS_MAX))
