"""Measured VTC runs beside their replays, in a terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenhand.sim.golden.vtc_comparison import RunComparison
from evenhand.sim.golden.vtc_rows import MeasuredRun

CLIENTS_SHOWN = 4
_GOOD, _FAIR = 0.03, 0.1
_NONE = "-"


def show(
    runs: Iterable[MeasuredRun],
    compared: dict[str, RunComparison],
    console: Console,
    *,
    shows_all_clients: bool,
) -> None:
    """A row for each run, its clients below each other, and what it comes to for each engine."""
    if not compared:
        return
    console.print(_runs(compared))
    console.print()
    busiest = {run.name: _busiest(run, shows_all=shows_all_clients) for run in runs}
    console.print(_waits(compared, busiest))
    console.print()
    for line in _summary(compared):
        console.print(line)


def _runs(compared: dict[str, RunComparison]) -> Table:
    table = _table()
    table.add_column("run")
    for title in ("makespan s", "error", "tokens/s", "error", "refused", "difference mean", "max"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, run in compared.items():
        measured, simulated = run.service_difference.measured, run.service_difference.simulated
        table.add_row(
            _short(name),
            _pair(run.makespan_measured_s, run.makespan_simulated_s, "{:.1f}"),
            _error(run.makespan_error),
            _pair(run.tokens_per_s_measured, run.tokens_per_s_simulated, "{:.0f}"),
            _error(run.throughput_error),
            _refused(run),
            _pair(measured.mean, simulated.mean, "{:.1f}"),
            _pair(measured.max, simulated.max, "{:.1f}"),
        )
    table.title = "Measured / simulated"
    return table


def _waits(compared: dict[str, RunComparison], busiest: dict[str, list[str]]) -> Table:
    table = _table()
    table.title = "Mean time to the first token in s, measured / simulated"
    table.add_column("run")
    table.add_column("clients")
    for name, run in compared.items():
        shown = busiest[name]
        cells = [
            f"{client}: {_seconds(run.clients[client].ttft_mean_measured_s)} / "
            f"{_seconds(run.clients[client].ttft_mean_simulated_s)}"
            for client in shown
        ]
        left = len(run.clients) - len(shown)
        table.add_row(_short(name), "   ".join(cells) + (f"   and {left} more" if left else ""))
    return table


def _summary(compared: dict[str, RunComparison]) -> Iterator[Text]:
    engines = dict.fromkeys(run.engine for run in compared.values())
    for engine in engines:
        runs = [run for run in compared.values() if run.engine == engine]
        makespan = [abs(run.makespan_error) for run in runs]
        throughput = [abs(run.throughput_error) for run in runs]
        yield Text(
            f"{engine}, {len(runs)} runs: makespan {_mean(makespan):.1%} off in the mean, "
            f"{max(makespan):.1%} at worst; throughput {_mean(throughput):.1%}, "
            f"{max(throughput):.1%} at worst.",
            "bold",
        )
    yield Text(
        "The difference is the artifact's measure of unfairness: weighted tokens a second between "
        "clients, over 19 windows of a minute.",
        "dim",
    )


def _busiest(run: MeasuredRun, *, shows_all: bool) -> list[str]:
    counted = Counter(run.client).most_common(None if shows_all else CLIENTS_SHOWN)
    return sorted((client for client, _ in counted), key=lambda client: (len(client), client))


def _table() -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        show_edge=False,
        title_justify="left",
        title_style="bold underline",
    )


def _short(name: str) -> str:
    """Without what every name has."""
    return name.replace("all_results_", "")


def _pair(measured: float, simulated: float, form: str) -> str:
    return f"{form.format(measured)} / {form.format(simulated)}"


def _error(part: float) -> Text:
    colour = "green" if abs(part) <= _GOOD else "yellow" if abs(part) <= _FAIR else "red"
    return Text(f"{part:+.1%}", colour)


def _refused(run: RunComparison) -> str:
    if not run.refused_measured and not run.refused_simulated:
        return _NONE
    return f"{run.refused_measured} / {run.refused_simulated}"


def _seconds(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1f}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
