"""`evenhand explain`: why a request waits, or waited, asked of the gateway that has it."""

import os
import re
from typing import Annotated

import orjson
import typer

from evenhand.cli.admin_page import AdminPageError, fetch
from evenhand.cli.check import print_problems
from evenhand.cli.config import ConfigurationError, read, resolve_admin
from evenhand.cli.control.asking import FILE, File

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


def explain(
    request_id: Annotated[
        str, typer.Argument(help="What the answer's x-request-id header said, or the log line.")
    ],
    *,
    file: File = FILE,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the page as it is, for programs.")
    ] = False,
) -> None:
    """Tell why a request waits or waited: who was served instead, and what decided it."""
    if not _ID.fullmatch(request_id):
        message = "that is no request id: take the value of the answer's x-request-id header"
        typer.echo(f"evenhand: {message}", err=True)
        raise typer.Exit(1)
    try:
        loaded = read(file)
        credential = resolve_admin(loaded.config, os.environ, loaded.lines)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    try:
        page = fetch(loaded.config.admin, f"/explain/{request_id}", credential)
    except AdminPageError as error:
        typer.echo(f"evenhand: {error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(orjson.dumps(page, option=orjson.OPT_INDENT_2).decode())
        return
    for sentence in page["sentences"]:
        typer.echo(sentence)
