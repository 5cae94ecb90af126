"""`evenhand policies`: lists the presets; with a name, explains one."""

from typing import Annotated

import typer

from evenhand.cli.config.named_policy import NoPolicyError, named_policy, offered_names
from evenhand.cli.policies.listing import listing
from evenhand.cli.policies.portrait import in_brief, portrait
from evenhand.cli.policies.screen import show
from evenhand.cli.terminal import console, write_json
from evenhand.scheduling import PRESETS

COLUMNS_MAX = 100


def policies(
    name: Annotated[
        str | None, typer.Argument(help="Explain this one; without, all are listed.")
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="As JSON, on one line.")] = False,
) -> None:
    """List the policies with their bound and source, or explain one with all its parameters."""
    if name is None:
        offered = offered_names()
        if json:
            presets = [in_brief(policy) for policy in PRESETS.values()]
            write_json({"presets": presets, "offered_by_packages": offered})
            return
        listing(PRESETS.values(), offered, console(COLUMNS_MAX))
        return
    try:
        policy = named_policy(name)
    except NoPolicyError as error:
        typer.echo(f"{name}: {error}", err=True)
        raise typer.Exit(1) from None
    if json:
        write_json(portrait(policy))
    else:
        show(policy, console(COLUMNS_MAX))
