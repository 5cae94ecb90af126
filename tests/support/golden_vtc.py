"""The measured VTC runs and their replays, computed once for all tests that look at them."""

from functools import cache

from evenhand.sim.golden.vtc_comparison import RunComparison, compare
from evenhand.sim.golden.vtc_rows import MeasuredRun, read_runs
from evenhand.sim.golden.vtc_setup import setup_of
from support.shared_data import shared_file

SUITE = "/all_results_"


@cache
def measured() -> dict[str, MeasuredRun]:
    return {run.name: run for run in read_runs(shared_file("vtc_gpu_runs.csv.gz"))}


@cache
def compared(name: str) -> RunComparison:
    return compare(measured()[name], setup_of(name))


def run(scheduler: str, suite: str) -> RunComparison:
    return compared(f"{scheduler}{SUITE}{suite}")


def named(*beginnings: str) -> list[RunComparison]:
    return [compared(name) for name in measured() if name.startswith(beginnings)]
