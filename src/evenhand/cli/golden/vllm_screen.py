"""A measured vLLM run beside its replay, in a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from evenhand.sim.calibration.calibrate import Calibration
from evenhand.sim.engine_log.file import EngineLog
from evenhand.sim.golden.agreement import Errors
from evenhand.sim.golden.vllm_comparison import Comparison
from evenhand.sim.profile import EngineProfile


def show(
    profile: EngineProfile,
    log: EngineLog,
    fit: Calibration | None,
    found: Comparison,
    console: Console,
) -> None:
    """Order, latency, preemption."""
    console.print(f"{found.requests} requests on {profile.name}", style="bold")
    if fit is not None:
        console.print(
            f"Fitted on the {fit.fitted_on} before them: {fit.fit.host_ms:.2f} ms of host time a"
            f" step, kernels x{fit.fit.kernels:.3f}."
        )
    for remark in log.remarks:
        console.print(f"{remark}.", style="yellow")
    console.print()
    _latency(found, console)
    _order(found, console)
    _preemption(found, console)


def _latency(found: Comparison, console: Console) -> None:
    table = _table("error of a request", "median", "ninth decile", "median with sign")
    for words, error in (
        ("time to first token", found.latency.ttft),
        ("end to end", found.latency.end_to_end),
        ("time per token", found.latency.time_per_token),
    ):
        table.add_row(words, *_percents(error))
    console.print(table)
    console.print(f"The last ends {found.makespan_error:+.1%} from when it did.\n")


def _order(found: Comparison, console: Console) -> None:
    table = _table("order of", "rank correlation", "pairs the other way round")
    for words, order in (("first tokens", found.first_tokens), ("ends", found.ends)):
        table.add_row(words, f"{order.rank_correlation:.4f}", f"{order.inversions:.2%}")
    console.print(table)
    console.print()


def _preemption(found: Comparison, console: Console) -> None:
    counts = found.preemption
    table = _table("requests that stood still", "measured", "simulated", "the same ones")
    table.add_row(
        "whose tokens came 10 % slower and more",
        *map(str, (counts.measured_slow, counts.simulated_slow, counts.slow_in_both)),
    )
    console.print(table)
    console.print(
        "Slower than those of the requests that ran beside them. A log does not tell who was preempted;"
        " this does.",
        style="dim",
    )
    console.print(
        f"The simulator preempted {counts.simulated_preempted} requests,"
        f" {counts.simulated_preemptions} times."
    )


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    return table


def _percents(error: Errors) -> tuple[str, str, str]:
    return f"{error.median:.1%}", f"{error.p90:.1%}", f"{error.bias:+.1%}"
