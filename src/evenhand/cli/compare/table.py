"""A pair of runs side by side: the figures of all together, and the tenants for whom most changed."""

from collections.abc import Callable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from evenhand.cli.compare.pairs import Pair
from evenhand.sim.measures.figures import RunFigures
from evenhand.sim.report.change import Change, Direction, answered
from evenhand.sim.report.forms import NONE, count, duration, index, percent

TENANTS_SHOWN_MAX = 20


def _difference(run: RunFigures) -> float | None:
    return None if run.service_difference is None else run.service_difference.mean


_FIGURES: Sequence[tuple[str, Callable[[RunFigures], float | None], Callable[..., str]]] = (
    ("took", lambda run: run.makespan_s, duration),
    ("tokens/s", lambda run: run.tokens_per_s, count),
    ("requests", lambda run: run.requests, count),
    ("answered", lambda run: run.completed, count),
    ("refused", lambda run: run.refused, count),
    ("hit rate", lambda run: run.hit_rate, percent),
    ("Jain, all active", lambda run: run.jain_all_active, index),
    ("service difference, mean", _difference, count),
    ("first token, p50", lambda run: run.ttft_p50_s, duration),
    ("first token, p99", lambda run: run.ttft_p99_s, duration),
    ("interactions completed", lambda run: run.interactions.completed, count),
    ("interactions throttled", lambda run: run.interactions.throttled, count),
    ("wasted tokens", lambda run: run.interactions.wasted_tokens, count),
)
_WORDS = {
    Direction.GAINS: Text("gains", "green"),
    Direction.LOSES: Text("loses", "red"),
    Direction.SAME: Text("same", "dim"),
}


def of_all(pair: Pair) -> Table:
    """A row for each figure of the runs."""
    table = _table()
    table.add_column("", no_wrap=True)
    for title in ("before", "after", "ratio"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, figure, form in _FIGURES:
        was, now = figure(pair.before), figure(pair.after)
        table.add_row(name, form(was), form(now), _ratio(was, now))
    return table


def of_tenants(found: Sequence[Change]) -> Table:
    """Those for whom most changed."""
    table = _table()
    table.add_column("tenant", overflow="fold")
    table.add_column("", no_wrap=True)
    for title in ("answered\nbefore", "\nafter", "first token\nbefore", "(mean)\nafter", "\nratio"):
        table.add_column(title, justify="right", no_wrap=True, vertical="bottom")
    for title in ("got\nbefore", "\nafter"):
        table.add_column(title, justify="right", no_wrap=True, vertical="bottom")
    for change in most_changed(found):
        was, now = change.before, change.after
        table.add_row(
            Text(change.tenant, "bold"),
            _WORDS[change.direction],
            percent(answered(was)),
            percent(answered(now)),
            duration(was.ttft_mean_s),
            duration(now.ttft_mean_s),
            NONE if change.wait_ratio is None else f"{change.wait_ratio:.2f}",
            percent(was.share_received),
            percent(now.share_received),
        )
    return table


def most_changed(found: Sequence[Change]) -> list[Change]:
    """The largest changes, in the order of the tenants."""
    largest = sorted(found, key=lambda change: (-abs(change.direction), -change.size))
    shown = {change.tenant for change in largest[:TENANTS_SHOWN_MAX]}
    return [change for change in found if change.tenant in shown]


def _ratio(was: float | None, now: float | None) -> str:
    return f"{now / was:.3f}" if was and now is not None else NONE


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
