"""The observed page for people: a table of both orders, and a sentence for each tenant."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_COLUMNS: Final = ("ended", "mean wait", "p50", "p95", "share %")
_STYLES: Final = {"gains": "green", "loses": "yellow"}

Row = Mapping[str, Any]


def show(page: Mapping[str, Any], console: Console) -> None:
    """Print the last minutes, all in all, and what would change."""
    minutes = page["recent_s"] // 60
    if not page["in_all"]:
        console.print("Nothing has been served yet: there is nothing to compare.")
        return
    if page["recent"] and page["recent"] != page["in_all"]:
        console.print(comparison(f"The last {minutes} minutes", page["recent"], page["policy"]))
        console.print()
    console.print(comparison("Since the start", page["in_all"], page["policy"]))
    console.print()
    for row in page["in_all"]:
        console.print(Text(row["sentence"], _STYLES.get(row["effect"], "")), soft_wrap=True)
    console.print(
        "share: of the service that was received while tenants competed, in either order.",
        style="dim",
        soft_wrap=True,
    )


def comparison(title: str, rows: Sequence[Row], policy: str) -> Table:
    """Each figure as it was in arrival order, then as the fair order had it."""
    table = Table(
        title=f"{title}: in order of arrival > by {policy}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    table.add_column("tenant")
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        sides = zip(_cells(row["arrival"]), _cells(row["fair"]), strict=True)
        style = _STYLES.get(row["effect"], "")
        name = Text("all others" if row["tenant"] is None else row["tenant"])
        table.add_row(name, *(f"{real} > {fair}" for real, fair in sides), style=style)
    return table


def notes(page: Mapping[str, Any]) -> Iterator[str]:
    """What a reader must know to trust the figures, a sentence each."""
    if page["failure"] is not None:
        yield (
            f"the shadow has failed ({page['failure']}) and is switched off; traffic goes on in order of"
            " arrival. The log has its trace: report it, and restart the gateway to observe again"
        )
        return
    if page["resets"]:
        yield (
            f"the shadow had too much to remember {page['resets']} times and began anew;"
            f" {page['unobserved_requests']} requests are not compared"
        )
    if page["paused"]:
        yield "the shadow waits for a moment in which nothing is queued, to begin anew"
    if page["requests_of_unknown_service"]:
        yield (
            f"{page['requests_of_unknown_service']} requests gave up waiting whom the fair order had"
            " served: it counts no service for them, so its waits look a little too short"
        )


def _cells(side: Row) -> tuple[str, ...]:
    wait, share = side["wait_ms"], side["contended_share"]
    ended = str(side["requests"])
    if side["unserved_requests"]:
        ended += f" ({side['unserved_requests']} unserved)"
    return (
        ended,
        *(_wait(wait[name]) for name in ("mean", "p50", "p95")),
        "-" if share is None else f"{share * 100:.0f}",
    )


def _wait(ms: int | None) -> str:
    if ms is None:
        return "-"
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
