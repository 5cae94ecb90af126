"""The command `evenhand statement`."""

import getpass
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.exports.output import missing_told, put, refuse_screen
from evenhand.cli.state_access import configured, problems_told
from evenhand.cli.statement.closing import close
from evenhand.cli.statement.forms import FORMS, Format
from evenhand.cli.statement.listing import listing, listing_json
from evenhand.cli.statement.statement import BY, Statement, stated
from evenhand.cli.statement.subject import refuse_stranger
from evenhand.cli.usage.command import groups_of
from evenhand.cli.usage.period import Period, named_period
from evenhand.stores.issued_statements import issued_for
from evenhand.stores.schema import open_to_read, open_to_write
from evenhand.stores.statement_query import Cut, cut_named
from evenhand.stores.usage_query import GROUPINGS

_USUAL_BY = ",".join(BY)

_Node = Annotated[
    str | None, typer.Argument(help="A node of the share tree, such as acme or acme/search.")
]
_ConfigFile = Annotated[Path, typer.Option(metavar="FILE", help="The gateway's configuration.")]
_Period = Annotated[
    str | None,
    typer.Option(
        metavar="PERIOD", help="2026-11, 2026-W48, 2026-11-26, or 2026-11-01..2026-12-15; UTC."
    ),
]
_By = Annotated[
    str, typer.Option(metavar="LIST", help=f"Any of {', '.join(GROUPINGS)}, joined by commas.")
]
_AtCut = Annotated[
    str | None,
    typer.Option(metavar="CUT", help="As it stood at that cut, which every statement names."),
]
_Close = Annotated[
    bool, typer.Option("--close", help="Issue it: it gets a number, and never changes again.")
]
_Issued = Annotated[bool, typer.Option("--issued", help="List the statements that were issued.")]
_Form = Annotated[Format, typer.Option("--format", help="How to write it.")]
_Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "--out", metavar="FILE", help="Write it there, and not on the screen."
    ),
]


def statement(
    tenant: _Node = None,
    *,
    config: _ConfigFile = Path("evenhand.yaml"),
    period: _Period = None,
    by: _By = _USUAL_BY,
    cut: _AtCut = None,
    is_closed: _Close = False,
    is_listing: _Issued = False,
    form: _Form = Format.TEXT,
    output: _Output = None,
) -> None:
    """State what a tenant, with all below it, has used in a period, and what that costs.

    Reads the state database beside a running gateway. A statement names its
    cut: whoever asks for the same one again gets the same bytes, whatever
    was booked since. With --close it is issued: it gets a number, and what
    comes later for its period is in the tenant's next statement. A period
    that has its statement is shown as it was issued.
    """
    if not FORMS[form].is_text:
        refuse_screen(output, form)
    with problems_told(config):
        settings, folder = configured(config)
        if is_listing:
            with closing(open_to_read(folder.database)) as connection:
                issued = issued_for(connection, tenant)
            text = listing_json(issued) if form is Format.JSON else listing(issued)
            put(text.encode(), output)
            return
        if tenant is None or period is None:
            raise typer.BadParameter("name a tenant, and its --period; or ask for --issued")
        wanted, where = _named(period), _cut(cut)
        groups = FORMS[form].by or groups_of(by)
        with closing(open_to_read(folder.database)) as connection:
            refuse_stranger(connection, settings, tenant)
            found = stated(connection, tenant, wanted, groups, where)
        if is_closed:
            if where is not None:
                raise typer.BadParameter("--close takes what is booked by now: leave out --cut")
            with closing(open_to_write(folder.database)) as connection:
                found = _closed(connection, found)
    with missing_told():
        content = FORMS[form].make(found)
    put(content, output)


def _closed(connection: sqlite3.Connection, draft: Statement) -> Statement:
    issued = close(connection, draft, by=getpass.getuser(), now_ms=time.time_ns() // 1_000_000)
    typer.echo(f"Issued as statement {issued.number}.", err=True)
    return stated(connection, draft.tenant, draft.period, draft.by)


def _named(text: str) -> Period:
    try:
        return named_period(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _cut(text: str | None) -> Cut | None:
    try:
        return None if text is None else cut_named(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
