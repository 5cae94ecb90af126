"""The table at the end: a row for each policy, then the tenants side by side."""

from collections.abc import Iterator, Mapping
from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

from evenhand.sim.measures.active import Interval
from evenhand.sim.measures.figures import RunFigures, TenantFigures
from evenhand.sim.report.forms import count, duration, index, percent

TENANTS_SHOWN_MAX = 12
_ANSWERED_LOW = 0.995


def of_policies(runs: Mapping[str, RunFigures]) -> Table:
    """All runs, a row for each."""
    table = _table()
    _left(table, "policy")
    for title in ("took", "tokens/s", "answered", "hit rate", "Jain", "difference", "p50", "p99"):
        table.add_column(title, justify="right", no_wrap=True, vertical="bottom")
    for label, run in runs.items():
        difference = run.service_difference
        table.add_row(
            Text(label, "bold"),
            duration(run.makespan_s),
            count(run.tokens_per_s),
            _answered(run.completed, run.requests),
            percent(run.hit_rate),
            index(run.jain_all_active),
            count(None if difference is None else difference.mean),
            duration(run.ttft_p50_s),
            duration(run.ttft_p99_s),
        )
    return table


def of_tenants(runs: Mapping[str, RunFigures]) -> Table:
    """The tenants that ask for most, a row for each under each policy."""
    table = _table()
    _left(table, "tenant")
    _left(table, "policy")
    for title in (
        "answered",
        "promised",
        "got",
        "behind",
        "first token\nmean",
        "\np50",
        "\np99",
        "latency\np99",
    ):
        table.add_column(title, justify="right", no_wrap=True, vertical="bottom")
    for tenant in shown(runs):
        for number, (label, run) in enumerate(runs.items()):
            figures = run.tenants[tenant]
            table.add_row(
                Text("" if number else tenant, "bold"),
                Text(label),
                *_cells(figures),
                end_section=number == len(runs) - 1 and len(runs) > 1,
            )
    return table


def shown(runs: Mapping[str, RunFigures]) -> list[str]:
    """The tenants that ask for most, in their order."""
    tenants = next(iter(runs.values())).tenants
    largest = sorted(tenants, key=lambda name: (-tenants[name].demand, name))[:TENANTS_SHOWN_MAX]
    return [name for name in tenants if name in set(largest) and tenants[name].requests]


def notes(runs: Mapping[str, RunFigures]) -> Iterator[str]:
    """What a reader must know to trust the tables."""
    run = next(iter(runs.values()))
    yield (
        "Jain: fairness of the service per promised share, 1 is even. difference: mean service"
        " difference in weighted tokens/s (VTC's metric). p50, p99: wait for the first token. promised,"
        " got: parts of the work while all are active. behind: how much later its work came than with a"
        " fair server."
    )
    if run.measured is not None and not run.measured.is_all_active:
        yield compared(run.measured)
    more = sum(1 for figures in run.tenants.values() if figures.requests) - len(shown(runs))
    if more > 0:
        yield f"{more:,} tenants that ask for less are not shown; --json and --html have them."


def compared(measured: Interval) -> str:
    """Who is compared where at no time all tenants are active."""
    if not measured.tenants:
        return "No two tenants are active for long together, so there is no Jain index."
    return (
        f"At no time all tenants are active: Jain and what they got are of a time in which"
        f" {measured.tenants:,} of them are, all that are active for more than half of the run."
    )


def _cells(figures: TenantFigures) -> tuple[Text | str, ...]:
    return (
        _answered(figures.completed, figures.requests),
        percent(figures.share_promised),
        percent(figures.share_received),
        duration(figures.behind_s),
        duration(figures.ttft_mean_s),
        duration(figures.ttft_p50_s),
        duration(figures.ttft_p99_s),
        duration(figures.latency_p99_s),
    )


def _answered(completed: int, requests: int) -> Text:
    part = completed / requests if requests else 1.0
    text = f"{count(completed)}/{count(requests)}"
    return Text(text, "yellow" if part < _ANSWERED_LOW else "")


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)


def _left(table: Table, title: str) -> None:
    overflow: Literal["fold"] = "fold"
    table.add_column(title, overflow=overflow, vertical="bottom")
