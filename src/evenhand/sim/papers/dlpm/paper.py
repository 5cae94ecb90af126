"""The DLPM paper's experiments, held against its claims."""

from collections.abc import Iterator
from itertools import pairwise, product

from evenhand.sim.papers.claim import Measured, judged_rows
from evenhand.sim.papers.crew import run_all
from evenhand.sim.papers.dlpm import experiments as what
from evenhand.sim.papers.dlpm.claims import (
    CLAIMS,
    COMPARISONS,
    PATTERNS,
    UNCLEAR,
    WORKLOADS,
    agreement,
    gain,
    geometric,
    published_gains,
)
from evenhand.sim.papers.dlpm.experiments import FULL, QUICK, Size
from evenhand.sim.papers.dlpm.run import LocalityFigures, mean, run
from evenhand.sim.papers.dlpm.tables import figures_of, tables_of
from evenhand.sim.papers.paper import Order, Paper
from evenhand.sim.papers.result import PaperResult

TITLE = "DLPM and D2LPM: fairness that leaves prefixes in the caches"

Key = tuple[str, ...]
Results = dict[Key, list[LocalityFigures]]


def run_dlpm(order: Order) -> PaperResult:
    """The quick form has one seed, two engines at most, fewer programs, and no sweeps but that of the
    quantum."""
    size = QUICK if order.quick else FULL
    cases = [
        *what.one_engine(size),
        *what.quanta(size),
        *what.small_cache(size),
        *what.several_engines(size),
    ]
    if not order.quick:
        sweeps = (what.pools, what.frontier, what.age_limit, what.evictions, what.inside)
        cases += [case for sweep in sweeps for case in sweep(size)]
    figures = run_all(run, [spec for _, spec in cases], order)
    results: Results = {}
    for (key, _), one in zip(cases, figures, strict=True):
        results.setdefault(key, []).append(one)
    return PaperResult(
        paper="dlpm",
        title=TITLE,
        source="arXiv 2501.14312",
        command="evenhand paper dlpm",
        quick=order.quick,
        setting=_setting(size),
        rows=tuple(judged_rows(CLAIMS, dict(_ours(results)))),
        tables=tables_of(results),
        figures=figures_of(results),
    )


def _setting(size: Size) -> tuple[str, ...]:
    engines = (
        f"Engines: profile {what.ENGINE} with the pool that it has, 416,000 tokens; Figure 1: "
        f"{what.SMALL_ENGINE}, 32,000 tokens. A gateway before them hosts the core and binds late; it "
        "is not told what caches drop."
    )
    seeds = ", ".join(map(str, size.seeds))
    workloads = (
        f"Workloads dlpm/qa, tree, judge with their default clients, seeds {seeds}; programs and rates "
        "grow with the engines."
    )
    quanta = (
        f"Quanta for all rows: {what.QUANTUM:,} (order), {what.ENGINE_QUANTUM:,} (placement). No age "
        "limit, as in the paper."
    )
    figures = (
        "Figures while all clients are active: throughput and Jain of input, cached too, and twice the "
        "output. Victims: clients that behave; latency of whole programs, QA: to the first token."
    )
    several = (
        "Several engines: geometric mean of the ratios; a direction is asked wherever the published "
        f"ratio is more than {UNCLEAR:.0%} from 1."
    )
    settled = (
        "Settled after a look at first runs, at whether every client had a backlog: rates (a client "
        "that behaves asks for about 0.6 of an engine) and numbers of programs, none of them published."
    )
    return engines, workloads, quanta, figures, several, settled


def _ours(results: Results) -> Iterator[tuple[str, Measured | float | None]]:
    yield from _one_engine(results)
    yield from _quanta(results)
    yield from _small_cache(results)
    yield from _several_engines(results)


def _one_engine(results: Results) -> Iterator[tuple[str, Measured | float | None]]:
    ratios = {}
    for workload, pattern in product(WORKLOADS, PATTERNS):
        runs = {name: results["one", workload, pattern, name] for name in what.ON_ONE}
        ratio = mean(runs["dlpm"], "service_per_s") / mean(runs["vtc"], "service_per_s")
        ratios[workload, pattern] = ratio
        yield f"one {workload} {pattern}", ratio
        for name, figures in runs.items():
            yield f"one {workload} {pattern} jain {name}", mean(figures, "jain")
    in_order = all(
        ratios["qa", pattern] > ratios["tree", pattern] > ratios["judge", pattern]
        for pattern in PATTERNS
    )
    yield "order", float(in_order)


def _quanta(results: Results) -> Iterator[tuple[str, Measured | float | None]]:
    names = ["vtc", *map(str, what.QUANTA), "lpm"]
    service = {name: mean(results["quantum", name], "service_per_s") for name in names}
    jains = [mean(results["quantum", name], "jain") for name in names]
    largest = service[str(max(what.QUANTA))]
    yield "large quantum", largest / service["lpm"]
    yield "vtc a10", largest / service["vtc"]
    rise = max(after - before for before, after in pairwise(jains))
    yield "jain monotone", Measured(max(0.0, rise), text=", ".join(f"{j:.3f}" for j in jains))
    rates = [service[name] for name in names[:-1]]
    fall = max(1 - after / before for before, after in pairwise(rates))
    text = ", ".join(f"{rate:,.0f}" for rate in rates)
    yield "throughput monotone", Measured(max(0.0, fall), text=text)


def _small_cache(results: Results) -> Iterator[tuple[str, Measured | float | None]]:
    runs = {name: results["rerun", name] for name in what.ON_ONE}
    yield "small cache", mean(runs["dlpm"], "service_per_s") / mean(runs["vtc"], "service_per_s")
    for name, figures in runs.items():
        yield f"small cache jain {name}", mean(figures, "jain")
    yield "small cache victims", mean(runs["lpm"], "p50_s") / mean(runs["dlpm"], "p50_s")


def _several_engines(results: Results) -> Iterator[tuple[str, Measured | float | None]]:
    for workload, pattern in product(WORKLOADS, PATTERNS):
        for name in COMPARISONS:
            gains = our_gains(results, workload, pattern, name)
            published = published_gains(workload, pattern, name)
            common = {engines: gains[engines] for engines in published if engines in gains}
            yield (
                f"several {workload} {pattern} {name}",
                Measured(
                    geometric(list(common.values())),
                    text=", ".join(f"{value:.2f}" for value in common.values()),
                    worst=agreement({e: published[e] for e in common}, common),
                ),
            )
    yield "headline latency", our_gains(results, "qa", "s2", "p50 lpm").get(2)
    yield "headline throughput", our_gains(results, "tree", "s1", "service vtc").get(8)


def our_gains(results: Results, workload: str, pattern: str, comparison: str) -> dict[int, float]:
    """Of D2LPM, by the number of engines."""
    _, other, figure = COMPARISONS[comparison]
    field = "service_per_s" if figure == "service" else figure
    gains = {}
    for key, mine in results.items():
        if key[:4] != ("several", workload, pattern, "d2lpm"):
            continue
        theirs = results["several", workload, pattern, other, key[4]]
        gains[int(key[4])] = gain(mean(mine, field), mean(theirs, field), figure)
    return gains


DLPM = Paper(
    name="dlpm",
    title=TITLE,
    source="arXiv 2501.14312",
    claims=CLAIMS,
    run=run_dlpm,
)
