"""The result as a table for people."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rich import box
from rich.table import Table

from evenhand.cli.terminal import console
from evenhand.ledger.reconciliation import Cause, EngineReconciled, Side
from evenhand.model import EngineName

_COLUMNS_MAX = 140


def print_table(
    found: Mapping[EngineName, EngineReconciled], silent: Mapping[str, str], *, tolerance_ppm: int
) -> None:
    """Onto standard output."""
    out = console(_COLUMNS_MAX)
    causes = [
        cause
        for cause in Cause
        if cause is Cause.UNEXPLAINED
        or any(each.causes[side][cause] for each in found.values() for side in Side)
    ]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("engine", "tokens"):
        table.add_column(title)
    for title in ("engine's", "ledger's", *(cause.replace("_", " ") for cause in causes)):
        table.add_column(title, justify="right")
    for name, each in found.items():
        for side in Side:
            figures = [each.engine[side], each.ledger[side]]
            figures += [each.causes[side][cause] for cause in causes]
            table.add_row(name, side, *(f"{figure:,}" for figure in figures))
    if found:
        out.print(table)
    for name, each in found.items():
        out.print(f"{name}: {_words(each, tolerance_ppm)}")
    for engine, why in silent.items():
        out.print(f"{engine}: not compared, {why}")
    if not found and not silent:
        out.print("No engine has told yet what it counts.")


def _words(each: EngineReconciled, tolerance_ppm: int) -> str:
    if each.from_ms is None or each.to_ms is None:
        return "nothing to compare in this period"
    verdict = "ok" if each.unexplained_ppm <= tolerance_ppm else "MORE THAN THE TOLERANCE"
    told = f"{each.requests:,} requests from {_time(each.from_ms)} to {_time(each.to_ms)}"
    for count, noun in (
        (each.retried, "retried"),
        (each.left, "not completed"),
        (each.restarts, "restarts of the engine"),
    ):
        told += f", {count:,} {noun}" if count else ""
    return f"{told}; unexplained {each.unexplained_ppm:,} ppm: {verdict}"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
