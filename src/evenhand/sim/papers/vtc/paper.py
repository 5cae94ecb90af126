"""VTC's experiments: its suites with its own arrivals on the engine of its artifact."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

from evenhand.sim.golden.vtc_comparison import RunComparison
from evenhand.sim.golden.vtc_rows import read_runs
from evenhand.sim.papers.claim import Measured, judged_rows
from evenhand.sim.papers.crew import run_all
from evenhand.sim.papers.paper import Order, Paper
from evenhand.sim.papers.result import PaperFigure, PaperResult, PaperTable
from evenhand.sim.papers.vtc import published
from evenhand.sim.papers.vtc.claims import BOUND, CLAIMS, NOISE, wait_key
from evenhand.sim.papers.vtc.run import SuiteFigures, SuiteRun, replayed, run
from evenhand.sim.papers.vtc.tables import (
    fairness_table,
    gap_figure,
    measured_table,
    waits_table,
)

TITLE = "VTC: fair shares by virtual token counters"
MEASURED_FILE = "vtc_gpu_runs.csv.gz"
TRACE_FILE = "vtc_arena_real_trace.csv"
LONG_S = 600.0
POOLS = {35_000: (256, 512, 768), 65_000: (256, 512, 768)}
"""Of figure 14: tokens, and lengths with which both clients wait throughout."""
_QUICK_SUITES = ("proportional", "overload")
_QUICK_REAL = ("FCFS", "VTC", "LShare/rpm5")

Ours = dict[str, Measured | float | None]
Runs = dict[tuple[str, str], SuiteFigures]


def run_vtc(order: Order) -> PaperResult:
    """The quick form has fewer suites, three schedulers on the real trace, and leaves out the A100 and
    the measured runs."""
    trace = _file(order.data, TRACE_FILE)
    specs = list(_specs(order, trace))
    found = run_all(run, specs, order)
    runs: Runs = {(spec.suite, spec.scheduler): one for spec, one in zip(specs, found, strict=True)}
    measured = {} if order.quick else _measured(order)
    return PaperResult(
        paper="vtc",
        title=TITLE,
        source="arXiv 2401.00588",
        command="evenhand paper vtc" + (" --data FOLDER" if trace is not None else ""),
        quick=order.quick,
        setting=_setting(trace, has_measured=bool(measured)),
        rows=tuple(judged_rows(CLAIMS, _ours(runs) | _golden(measured))),
        tables=tuple(_tables(runs, measured)),
        figures=tuple(_figures(runs)),
    )


def _specs(order: Order, trace: Path | None) -> Iterator[SuiteRun]:
    for suite, scheduler in published.TTFT:
        if not order.quick or suite in _QUICK_SUITES:
            yield SuiteRun(suite=suite, scheduler=scheduler)
    for scheduler in published.OVERLOAD:
        if ("overload", scheduler) not in published.TTFT:
            yield SuiteRun(suite="overload", scheduler=scheduler)
    yield SuiteRun(suite="overload", scheduler="FCFS", seconds=LONG_S)
    yield SuiteRun(suite="overload-wvtc", scheduler="WVTC")
    for scheduler in _QUICK_REAL if order.quick else published.REAL:
        yield SuiteRun(suite="real", scheduler=scheduler, trace=trace)
    if order.quick:
        return
    for scheduler in ("VTC", "LCF", "FCFS"):
        yield SuiteRun(suite="dist_shift", scheduler=scheduler)
    for pool, lengths in POOLS.items():
        for length in lengths:
            suite = f"overload-s4-{pool}-{length}"
            yield SuiteRun(suite=suite, scheduler=f"VTC-{length}", pool=pool)


def _file(folder: Path | None, name: str) -> Path | None:
    path = None if folder is None else folder / name
    return path if path is not None and path.is_file() else None


def _measured(order: Order) -> dict[str, RunComparison]:
    """FCFS and VTC on the A10G, and all on the A100; none where there is no file."""
    path = _file(order.data, MEASURED_FILE)
    if path is None:
        return {}
    runs = [one for one in read_runs(path) if one.name.startswith(("FCFS/", "VTC/", "sec6.4/"))]
    return {
        one.name: found for one, found in zip(runs, run_all(replayed, runs, order), strict=True)
    }


_ENGINE = (
    "One engine as S-LoRA's router batches (profiles a10g-llama-2-7b with a pool of 10,000 tokens, "
    "a100-llama-2-13b with 35,000 and 65,000); the core sits inside it and is charged exactly."
)
_SUITES = (
    "Suites with seed 42, which draws the artifact's own arrivals; prompts are two tokens longer than "
    "they say."
)
_PUBLISHED = (
    "Published: by the artifact's scripts from its own result files. Constants of the engine were "
    "fitted on its kernel profile, its host time of 3 ms on the A10G runs, the A100's on two runs."
)
_SHIPPED = "The real trace is the one that the artifact ships."
_DRAWN = (
    "The real trace is drawn to resemble the one that the artifact ships: only directions count there; "
    "--data names a folder that holds it."
)
_REPLAYED = "Measured runs: those in the data folder."
_NOT_REPLAYED = "No measured runs were replayed: the quick form, or no --data."


def _setting(trace: Path | None, *, has_measured: bool) -> tuple[str, ...]:
    real = _DRAWN if trace is None else _SHIPPED
    return _ENGINE, _SUITES, _PUBLISHED, real, _REPLAYED if has_measured else _NOT_REPLAYED


def _ours(runs: Runs) -> Ours:
    ours: Ours = {}
    real = {scheduler: one for (suite, scheduler), one in runs.items() if suite == "real"}
    for scheduler, one in real.items():
        ours[f"real {scheduler} difference"] = one.difference.mean
        ours[f"real {scheduler} tokens/s"] = one.tokens_per_s
    ours["real order"] = _order(real)
    ours["rpm waste"] = real["LShare/rpm5"].tokens_per_s / real["VTC"].tokens_per_s
    for scheduler in published.OVERLOAD:
        key = f"overload {scheduler} difference"
        ours[key] = runs["overload", scheduler].difference.mean
    for (suite, scheduler), clients in published.TTFT.items():
        if (suite, scheduler) in runs:
            waits = runs[suite, scheduler].waits_s
            for client in range(len(clients)):
                ours[wait_key(suite, scheduler, client)] = waits[str(client)][0]
    return ours | _service(runs) | _bounds(runs)


def _order(real: Mapping[str, SuiteFigures]) -> Measured:
    wrong = []
    for one, other in combinations(real, 2):
        theirs = published.REAL[one].mean, published.REAL[other].mean
        ours = real[one].difference.mean, real[other].difference.mean
        is_close = abs(theirs[0] - theirs[1]) <= NOISE * max(theirs)
        if not is_close and (theirs[0] > theirs[1]) != (ours[0] > ours[1]):
            wrong.append(f"{one} and {other}")
    return Measured(len(wrong), remark="; ".join(wrong))


def _service(runs: Runs) -> Ours:
    long, vtc = runs["overload", "FCFS"], runs["overload", "VTC"]
    weighted = [mean_s for mean_s, _ in runs["overload-wvtc", "WVTC"].waits_s.values()]
    small = [runs["proportional", scheduler].waits_s["0"][0] for scheduler in ("FCFS", "VTC")]
    ours: Ours = {
        "overload FCFS wait": max(mean_s for mean_s, _ in long.waits_s.values()),
        "overload tokens/s": vtc.tokens_per_s,
        "isolation": small[0] / small[1],
        "weighted": max(weighted) / min(weighted),
    }
    for scheduler in published.SHORT_LONG_TOKENS_PER_S:
        if ("poisson_short_long", scheduler) in runs:
            one = runs["poisson_short_long", scheduler]
            ours[f"short long {scheduler} tokens/s"] = one.tokens_per_s
    if ("dist_shift", "LCF") in runs:
        lcf, fair = runs["dist_shift", "LCF"], runs["dist_shift", "VTC"]
        ours["lcf"] = lcf.difference.mean / fair.difference.mean
    return ours


def _bounds(runs: Runs) -> Ours:
    long, vtc = runs["overload", "FCFS"], runs["overload", "VTC"]
    ours: Ours = {
        "bound": max(vtc.gap),
        "bound per request": max(vtc.gap),
        "figure 3a": long.gap[24],
        "figure 3a rate": long.difference.mean,
    }
    gaps = {
        (pool, length): max(runs[f"overload-s4-{pool}-{length}", f"VTC-{length}"].gap)
        for pool, lengths in POOLS.items()
        for length in lengths
        if (f"overload-s4-{pool}-{length}", f"VTC-{length}") in runs
    }
    if gaps:
        small, large = ([gap for (pool, _), gap in gaps.items() if pool == size] for size in POOLS)
        short, long_ones = (
            [gap for (_, length), gap in gaps.items() if length == size] for size in (256, 768)
        )
        ours["figure 14 bound"] = max(gap / (4 * pool) for (pool, _), gap in gaps.items())
        ours["figure 14 pool"] = sum(large) / sum(small)
        ours["figure 14 length"] = sum(long_ones) / sum(short)
    return ours


def _golden(runs: Mapping[str, RunComparison]) -> Ours:
    a100 = [one for name, one in runs.items() if name.startswith("sec6.4/")]
    a10g = [one for name, one in runs.items() if not name.startswith("sec6.4/")]
    ours: Ours = {}
    if a10g:
        makespan = [100 * abs(one.makespan_error) for one in a10g]
        throughput = [100 * abs(one.throughput_error) for one in a10g]
        ours["golden makespan"] = sum(makespan) / len(makespan)
        ours["golden makespan worst"] = max(makespan)
        ours["golden throughput"] = sum(throughput) / len(throughput)
    if a100:
        ours["golden A100"] = sum(100 * abs(one.makespan_error) for one in a100) / len(a100)
    return ours


def _tables(runs: Runs, measured: Mapping[str, RunComparison]) -> Iterator[PaperTable]:
    real = {scheduler: one for (suite, scheduler), one in runs.items() if suite == "real"}
    yield fairness_table("Real trace", published.REAL, real)
    overload = {scheduler: runs["overload", scheduler] for scheduler in published.OVERLOAD}
    yield fairness_table("Overload", published.OVERLOAD, overload)
    yield waits_table(runs)
    if measured:
        yield measured_table(measured)


def _figures(runs: Runs) -> Iterator[PaperFigure]:
    overload = [(scheduler, one) for (suite, scheduler), one in runs.items() if suite == "overload"]
    yield gap_figure(f"Overload (figure 3a); the bound is {BOUND:,}", overload)
    ablation = [
        (suite.removeprefix("overload-s4-"), one)
        for (suite, _), one in runs.items()
        if suite.startswith("overload-s4-")
    ]
    if ablation:
        yield gap_figure("Pools and lengths (figure 14)", ablation)


VTC = Paper(name="vtc", title=TITLE, source="arXiv 2401.00588", claims=CLAIMS, run=run_vtc)
