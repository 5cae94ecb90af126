"""The command `evenhand usage`."""

import time
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.exports.csv_file import csv_bytes
from evenhand.cli.exports.output import missing_told, put, refuse_screen
from evenhand.cli.exports.parquet_file import parquet_bytes
from evenhand.cli.state_access import folder_of, problems_told
from evenhand.cli.usage.json_text import json_text
from evenhand.cli.usage.period import Period
from evenhand.cli.usage.report import UsageReport
from evenhand.cli.usage.table import table_text
from evenhand.cli.usage.usage_table import usage_table
from evenhand.stores.schema import open_to_read
from evenhand.stores.usage_query import GROUPINGS, UsageQuery, read_usage


class Format(StrEnum):
    """The forms in which usage is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


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
        Path | None,
        typer.Option(
            "--output", "--out", metavar="FILE", help="Write it there, and not on the screen."
        ),
    ] = None,
) -> None:
    """Tell who has used what: requests, tokens, service units, share, money.

    Reads the state database beside a running gateway. A request belongs to
    the period in which it ended: from the beginning of --from until before
    --to, in UTC days. Requests under way are told apart, unless --to has
    passed. CSV, JSON and Parquet have every outcome and exact figures. Amounts of
    different currencies are never added.
    """
    groups = groups_of(by)
    if form is Format.PARQUET:
        refuse_screen(output, form)
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
        report = UsageReport(groups, period, read_usage(connection, query))
    with missing_told():
        content = _content(report, form)
    put(content, output)


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


def _content(report: UsageReport, form: Format) -> bytes:
    if form is Format.CSV:
        return csv_bytes(usage_table(report))
    if form is Format.JSON:
        return json_text(report).encode()
    if form is Format.PARQUET:
        return parquet_bytes(usage_table(report))
    return table_text(report).encode()
