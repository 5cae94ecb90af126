"""The command `evenhand usage`."""

import sys
import time
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.state_access import folder_of, problems_told
from evenhand.cli.usage.csv_text import csv_text
from evenhand.cli.usage.json_text import json_text
from evenhand.cli.usage.period import Period
from evenhand.cli.usage.statement import Statement
from evenhand.cli.usage.table import table_text
from evenhand.stores.schema import open_to_read
from evenhand.stores.usage_query import GROUPINGS, UsageQuery, read_usage


class Format(StrEnum):
    """The forms in which usage is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def usage(
    *,
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="The gateway's configuration.")
    ] = Path("evenhand.yaml"),
    by: Annotated[
        str, typer.Option(metavar="LIST", help=f"Any of {', '.join(GROUPINGS)}, joined by commas.")
    ] = "tenant,model",
    tenant: Annotated[
        str | None, typer.Option(metavar="PATH", help="This tenant and all below it.")
    ] = None,
    application: Annotated[str | None, typer.Option(metavar="A", help="This one alone.")] = None,
    model: Annotated[str | None, typer.Option(metavar="M", help="This one alone.")] = None,
    key: Annotated[str | None, typer.Option(metavar="K", help="This one alone.")] = None,
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="The first day, such as 2026-11-01, UTC."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="The day after the last, UTC.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there, and not on the screen.")
    ] = None,
) -> None:
    """Tell who has used what: requests, tokens, service units, share, money.

    Reads the state database beside a running gateway. A request belongs to
    the period in which it ended: from the beginning of --from until before
    --to, in UTC days. Requests under way are told apart, unless --to has
    passed. CSV and JSON have every outcome and exact figures. Amounts of
    different currencies are never added.
    """
    groups = groups_of(by)
    try:
        period = Period(first, end)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    query = UsageQuery(
        by=groups,
        tenant=tenant,
        application=application,
        model=model,
        key=key,
        from_ms=period.from_ms,
        to_ms=period.to_ms,
        with_open=period.to_ms is None or period.to_ms > time.time_ns() // 1_000_000,
    )
    with problems_told(config), closing(open_to_read(folder_of(config).database)) as connection:
        statement = Statement(groups, period, read_usage(connection, query))
    _write(_text(statement, form), output)


def groups_of(by: str) -> tuple[str, ...]:
    """What --by names. Raises typer.BadParameter."""
    names = tuple(name.strip() for name in by.split(","))
    for name in names:
        if name not in GROUPINGS:
            message = f"--by {name!a}: there are {', '.join(GROUPINGS)}; join them with commas"
            raise typer.BadParameter(message)
    if len(set(names)) < len(names):
        raise typer.BadParameter(f"--by {by}: name each once")
    return names


def _text(statement: Statement, form: Format) -> str:
    if form is Format.CSV:
        return csv_text(statement)
    if form is Format.JSON:
        return json_text(statement)
    return table_text(statement)


def _write(text: str, output: Path | None) -> None:
    """Whole or not at all."""
    if output is None:
        sys.stdout.write(text)
        return
    unfinished = output.with_name(f".{output.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        unfinished.replace(output)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        message = f"{output} cannot be written ({error.strerror}): check the folder and its mode"
        typer.echo(f"evenhand: {message}", err=True)
        raise typer.Exit(1) from None
