"""`evenhand drift`, `evenhand reload`, `evenhand audit`."""

from typing import Annotated
from urllib.parse import urlencode

import typer

from evenhand.cli.control.asking import (
    FILE,
    AsJson,
    DryRun,
    File,
    asked,
    instant,
    printed,
    table,
    told_change,
    value,
)


def drift(
    *,
    revert: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE", help="Take that change back, with all beneath it; `all`: every one."
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    file: File = FILE,
) -> None:
    """Show where the running gateway differs from its file, by whom and since when."""
    if revert is not None:
        asks = {} if revert == "all" else {"place": revert}
        asks |= {"dry_run": "true"} if dry_run else {}
        answer = asked(file, f"/api/v1/drift?{urlencode(asks)}", method="DELETE")
        told_change(answer, as_json=as_json)
        return
    if dry_run:
        raise typer.BadParameter("--dry-run is for --revert: add it")
    page = asked(file, "/api/v1/drift")
    if as_json:
        printed(page)
    elif not page["overrides"]:
        typer.echo("The gateway runs as its file says.", err=True)
    else:
        table(
            ("place", "file", "live", "who", "since (UTC)", "set aside because"),
            [
                (
                    row["place"],
                    value(row, "file"),
                    value(row, "live"),
                    row["who"],
                    instant(row["at_ms"]),
                    row["set_aside"] or "-",
                )
                for row in page["overrides"]
            ],
        )


def reload(*, dry_run: DryRun = False, as_json: AsJson = False, file: File = FILE) -> None:
    """Have the running gateway read its file anew. Refused whole where any of it needs a restart."""
    asks = "?dry_run=true" if dry_run else ""
    told_change(asked(file, f"/api/v1/reload{asks}", method="POST"), as_json=as_json)


def audit(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="So many rows.")] = 50,
    below: Annotated[
        int | None, typer.Option(min=1, help="Rows with lower numbers than this: older ones.")
    ] = None,
    as_json: AsJson = False,
    file: File = FILE,
) -> None:
    """Show who changed what, latest first."""
    asks = {"limit": str(limit)} | ({} if below is None else {"below": str(below)})
    page = asked(file, f"/api/v1/audit?{urlencode(asks)}")
    if as_json:
        printed(page)
        return
    table(
        ("number", "at (UTC)", "who", "what", "place", "before", "after"),
        [
            (
                str(row["number"]),
                instant(row["at_ms"]),
                row["who"],
                row["what"],
                row["place"] or "-",
                value(row, "before"),
                value(row, "after"),
            )
            for row in page["rows"]
        ],
    )
