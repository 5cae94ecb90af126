"""The one table at the end, and what has to be said about it. Fits 80 columns."""

from collections.abc import Iterator, Mapping
from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

from evenhand.cli.demo.figures import RunFigures, TenantFigures
from evenhand.cli.demo.verdict import Verdict
from evenhand.cli.demo.words import count, gap, interval

_NAMES = ("run", "tenant")
_COLUMNS = (
    *_NAMES,
    "first token ms\np50 (95 %)",
    "\np99 (95 %)",
    "done\n/sent",
    "tokens",
    "share %\ndue:got",
    "gap\ns",
)
_TROUBLES_SHOWN_MAX = 5


def comparison(runs: Mapping[str, RunFigures]) -> Table:
    """All runs, a row for each tenant and one for all together."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for title in _COLUMNS:
        side: Literal["left", "right"] = "left" if title in _NAMES else "right"
        is_name = title == "run"
        overflow: Literal["fold", "ellipsis"] = "fold" if is_name else "ellipsis"
        table.add_column(
            title, justify=side, no_wrap=not is_name, overflow=overflow, vertical="bottom"
        )
    for name, run in runs.items():
        for number, (tenant, row) in enumerate(run.tenants.items()):
            cells = _cells(row, is_alone=len(run.tenants) == 1)
            table.add_row(Text("" if number else name, "bold"), tenant, *cells)
        table.add_row(*_together(run), style="dim", end_section=True)
    return table


def notes(runs: Mapping[str, RunFigures]) -> Iterator[str]:
    """What a reader must know to trust the table, a sentence each."""
    yield (
        "due: equal shares of what was served while all had requests open; who asks for less is"
        " due what it asks, and the others divide the rest. gap: longest wait for any token."
    )
    for name, run in runs.items():
        waiting = [
            f"{row.censored} {tenant}" for tenant, row in run.tenants.items() if row.censored
        ]
        if waiting:
            yield (
                f"{name}: when the phase ended {', '.join(waiting)} requests had no token yet;"
                " they count with their waiting so far."
            )
    for name, run in runs.items():
        for tenant, row in run.tenants.items():
            if row.refused:
                yield (
                    f"{name}: {row.refused} of {row.sent} {tenant} requests were refused (429: too"
                    " many); they count as sent and ask for nothing."
                )
            if row.failed:
                yield f"{name}: {row.failed} of {row.sent} {tenant} requests FAILED: {_most(row)}"


def sentence(verdict: Verdict) -> Text:
    """The verdict in plain words."""
    if not verdict.is_promised:
        word = Text("NOTE ", "bold yellow")
    else:
        word = Text("PASS ", "bold green") if verdict.is_pass else Text("FAIL ", "bold red")
    return word.append(verdict.reason, "default")


def _cells(row: TenantFigures, *, is_alone: bool) -> tuple[str, ...]:
    due, got = row.share_promised * 100, row.share_received * 100
    return (
        interval(row.ttft_p50),
        interval(row.ttft_p99),
        _done(row.completed, row.sent),
        count(row.input_tokens + row.output_tokens),
        "" if is_alone else f"{due:.0f}:{got:.0f}",
        gap(row.gap_max_s),
    )


def _done(completed: int, sent: int) -> str:
    return f"{count(completed)}/{count(sent)}"


def _together(run: RunFigures) -> tuple[str, ...]:
    return (
        "",
        "all",
        "" if run.jain is None or len(run.tenants) == 1 else f"Jain {run.jain:.2f}",
        f"{run.tokens_per_s:.0f} tokens/s",
        _done(
            sum(row.completed for row in run.tenants.values()),
            sum(row.sent for row in run.tenants.values()),
        ),
        count(sum(row.input_tokens + row.output_tokens for row in run.tenants.values())),
        "",
        "",
    )


def _most(row: TenantFigures) -> str:
    troubles = sorted(row.troubles.items(), key=lambda item: -item[1])
    shown = [f"{count} x {trouble}" for trouble, count in troubles[:_TROUBLES_SHOWN_MAX]]
    return "; ".join(shown)
