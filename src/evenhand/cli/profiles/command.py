"""`evenhand profiles`: lists the engine profiles; with a name, shows one."""

from typing import Annotated

import typer

from evenhand.cli.profiles.portrait import portrait
from evenhand.cli.profiles.screen import list_all, show
from evenhand.cli.terminal import console, write_json
from evenhand.sim.profile import load_profile, shipped_profiles

COLUMNS_MAX = 120


def profiles(
    name: Annotated[
        str | None, typer.Argument(help="Show this one, or one in a file; without, all are listed.")
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="As JSON, on one line.")] = False,
) -> None:
    """List the engines that can be simulated, with the evidence for their figures."""
    if name is None:
        shipped = [load_profile(each) for each in shipped_profiles()]
        if json:
            write_json({"profiles": [portrait(profile) for profile in shipped]})
        else:
            list_all(shipped, console(COLUMNS_MAX))
        return
    try:
        profile = load_profile(name)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if json:
        write_json(portrait(profile))
    else:
        show(profile, console(COLUMNS_MAX))
