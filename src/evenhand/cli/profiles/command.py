"""`evenhand profiles`: lists the engine profiles; with a name, shows one."""

import sys
from typing import Annotated

import orjson
import typer
from rich.console import Console

from evenhand.cli.profiles.portrait import portrait
from evenhand.cli.profiles.screen import list_all, show
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
            _write({"profiles": [portrait(profile) for profile in shipped]})
        else:
            list_all(shipped, _console())
        return
    try:
        profile = load_profile(name)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if json:
        _write(portrait(profile))
    else:
        show(profile, _console())


def _write(document: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))


def _console() -> Console:
    console = Console(highlight=False)
    width = min(console.width, COLUMNS_MAX) if console.is_terminal else COLUMNS_MAX
    return Console(highlight=False, width=width)
