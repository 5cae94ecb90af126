"""The command `evenhand reconcile`."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.config import Config, UrlEngine
from evenhand.cli.reconcile.table import print_table
from evenhand.cli.state_access import configured, problems_told
from evenhand.cli.terminal import write_json
from evenhand.cli.usage.period import Period
from evenhand.gateway.admin.reconciliation import reconciliation_json
from evenhand.ledger.reconciliation import EngineReconciled
from evenhand.model import EngineName
from evenhand.stores.reconcile_query import reconcile_engines
from evenhand.stores.schema import open_to_read


def reconcile(
    *,
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="The gateway's configuration.")
    ] = Path("evenhand.yaml"),
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="The first day, such as 2026-11-01, UTC."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="The day after the last, UTC.")
    ] = None,
    engine: Annotated[str | None, typer.Option(metavar="NAME", help="This engine alone.")] = None,
    tolerance_ppm: Annotated[
        int,
        typer.Option(min=0, help="Exit with 1 where more than so many millionths are unexplained."),
    ] = 1_000,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hold the ledger against what the engines have counted, and say where differences come from.

    Reads the state database beside a running gateway. What is compared goes
    from one moment at which an engine was calm to another, within the period;
    docs/operating.md explains the causes. Exits with 1 if more of an engine's
    tokens than the tolerance are unexplained.
    """
    try:
        period = Period(first, end)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with problems_told(config):
        loaded, folder = configured(config)
        with closing(open_to_read(folder.database)) as connection:
            engines = None if engine is None else [EngineName(engine)]
            found = reconcile_engines(
                connection, engines=engines, from_ms=period.from_ms, to_ms=period.to_ms
            )
    silent = {} if engine is not None else _silent(loaded, found)
    if json:
        write_json({**reconciliation_json(found), "not_compared": silent})
    else:
        print_table(found, silent, tolerance_ppm=tolerance_ppm)
    if any(each.unexplained_ppm > tolerance_ppm for each in found.values()):
        raise typer.Exit(1)


def _silent(config: Config, found: dict[EngineName, EngineReconciled]) -> dict[str, str]:
    """Engines that cannot be compared, and why."""
    return {
        engine.name: _why(engine) if isinstance(engine, UrlEngine) else "it has told nothing yet"
        for engine in config.engines
        if engine.name not in found
    }


def _why(engine: UrlEngine) -> str:
    if engine.kind == "openai":
        return "an engine of kind openai tells nothing of itself"
    if engine.signals == "off":
        return "`signals` is off"
    return "it has told no tokens yet; ask `evenhand check --probe`"
