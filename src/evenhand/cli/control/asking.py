"""One question to the running gateway, and how its answer is printed."""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import orjson
import typer

from evenhand.cli.admin_page import AdminPageError, fetch
from evenhand.cli.check import print_problems
from evenhand.cli.config import ConfigurationError, read, resolve_admin

File = Annotated[
    Path, typer.Option("--config", help="The configuration that the gateway runs with.")
]
FILE: Final = Path("evenhand.yaml")
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as it is, for programs.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would change, and what it would do.")
]


def asked(file: Path, path: str, *, method: str = "GET", body: object = None) -> dict[str, Any]:
    """The answer; ends the command with code 1 and a word on stderr where there is none."""
    try:
        loaded = read(file)
        credential = resolve_admin(loaded.config, os.environ, loaded.lines)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    try:
        return fetch(loaded.config.admin, path, credential, method=method, body=body)
    except AdminPageError as error:
        typer.echo(f"evenhand: {error}", err=True)
        raise typer.Exit(1) from None


def printed(page: object) -> None:
    """As JSON."""
    typer.echo(orjson.dumps(page, option=orjson.OPT_INDENT_2).decode())


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """In columns as wide as they must be."""
    lines = [columns, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def value(row: dict[str, Any], member: str) -> str:
    """In few characters; a dash where the thing is not there."""
    if member not in row:
        return "-"
    told = orjson.dumps(row[member]).decode()
    return told if len(told) <= _VALUE_CHARACTERS_MAX else f"{told[:_VALUE_CHARACTERS_MAX]}..."


def instant(at_ms: int) -> str:
    """In UTC, to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def in_path(text: str) -> str:
    """As a part of a path; slashes stay."""
    return quote(text, safe="/")


def told_change(change: dict[str, Any], *, as_json: bool) -> None:
    """What was, or would be, changed."""
    if as_json:
        printed(change)
        return
    differences = change["differences"]
    if not differences:
        typer.echo("Nothing changes: it is in force already.", err=True)
        return
    table(
        ("place", "before", "after"),
        [(row["place"], value(row, "before"), value(row, "after")) for row in differences],
    )
    if change["differences_left_out"]:
        typer.echo(f"and {change['differences_left_out']} more")
    if change["promises"]:
        typer.echo("")
        table(
            ("tenant", "promised", "then"),
            [
                (row["tenant"], _share(row["before"]), _share(row["after"]))
                for row in change["promises"]
            ],
        )
    words = "In force" if change["applied"] else "Nothing was changed; this would be in force"
    typer.echo(f"{words}, version {change['version']}.", err=True)


def _share(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.1f} %"


_VALUE_CHARACTERS_MAX = 60
