"""`evenhand observed`: what a fair order would change, asked of the gateway that observes it."""

import os
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from evenhand.cli.admin_page import AdminPageError, fetch
from evenhand.cli.check import print_problems
from evenhand.cli.config import Config, ConfigurationError, Secret, read, resolve_admin
from evenhand.cli.control.asking import FILE, File
from evenhand.cli.observed_table import notes, show


def observed(
    *,
    file: File = FILE,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the page as it is, for programs.")
    ] = False,
) -> None:
    """Tell what a fair order would change for each tenant (a gateway with `mode: observe`)."""
    try:
        loaded = read(file)
        credential = resolve_admin(loaded.config, os.environ, loaded.lines)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    try:
        page = _page(loaded.config, credential)
    except AdminPageError as error:
        typer.echo(f"evenhand: {error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(orjson.dumps(page, option=orjson.OPT_INDENT_2).decode())
    elif page["failure"] is None:
        show(page, Console())
    for note in notes(page):
        typer.echo(f"evenhand: {note}", err=True)
    if page["failure"] is not None:
        raise typer.Exit(1)


def _page(config: Config, credential: Secret | None) -> dict[str, Any]:
    page = fetch(config.admin, "/observed", credential)
    if page.get("mode") != "observe":
        raise AdminPageError("what answers there is no page of Evenhand: check admin.listen")
    return page
