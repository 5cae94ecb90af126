"""FairServe's experiments: the published day, ten minutes a little above what the engine can do, and a
sweep over limits and load.

Fixed before the runs: the engine; the trace at the published rate and length; OIT's target for the
published day, half of the 480 s that clients wait there, and its default of 10 s otherwise; claims with
their tolerances. Settled after a look at first runs: the ten minutes of the run at 105 % load (in three
there was no queue), and that two readings of who is within its share are shown, since they differ.
"""

from collections.abc import Mapping
from typing import NamedTuple

from evenhand.sim.papers.claim import Measured, judged_rows
from evenhand.sim.papers.crew import run_all
from evenhand.sim.papers.fairserve.claims import CLAIMS
from evenhand.sim.papers.fairserve.figures import PlatformFigures, Runs, averaged, summed
from evenhand.sim.papers.fairserve.run import ENGINE, WORKLOAD, PlatformRun, Settings, run
from evenhand.sim.papers.fairserve.tables import runs_table, sweep_figure, sweep_table
from evenhand.sim.papers.paper import Order, Paper
from evenhand.sim.papers.result import PaperResult

PER_S, SECONDS = 139.0, 72.0
"""Of the published trace."""
LONG_SECONDS, LONG_LOAD, SWEEP_SECONDS = 600.0, 1.05, 300.0
LOADS = (0.8, 1.05, 1.25, 1.5, 2.0)
SEEDS = (1, 2, 3)
TITLE = "FairServe: throttling by overload and interaction"


class Chosen(NamedTuple):
    """A preset, what is set in it, and another admission if it has one."""

    preset: str
    settings: Settings = ()
    admission: str | None = None


def _throttling(target_s: int) -> Chosen:
    return Chosen("fairserve", (("overload_target_s", target_s),))


DAY = {
    "fcfs": Chosen("fcfs"),
    **{
        f"rpm {limit}": Chosen("rpm", (("requests_per_minute", limit),))
        for limit in (10, 50, 100, 500)
    },
    "vtc": Chosen("vtc"),
    "wsc": Chosen("wsc"),
    **{f"fairserve {target} s": _throttling(target) for target in (240, 120, 60, 10)},
}
VTC_OIT = "vtc + oit"
QUICK_DAY = ("fcfs", "rpm 50", "vtc", "fairserve 240 s", "fairserve 10 s")
LONG = {
    **{name: DAY[name] for name in ("rpm 50", "vtc", "wsc", "fairserve 10 s")},
    VTC_OIT: Chosen("vtc", admission="oit"),
}
QUICK_LONG = ("rpm 50", "vtc", "fairserve 10 s", VTC_OIT)
SWEEP = {
    **{name: DAY[name] for name in ("rpm 10", "rpm 50", "rpm 100", "rpm 500", "vtc")},
    **{f"fairserve {target} s": _throttling(target) for target in (5, 10, 30, 60, 120)},
}


def run_fairserve(order: Order) -> PaperResult:
    """Three seeds; the quick form has one, fewer policies, half of the long run and no sweep."""
    seeds = SEEDS[:1] if order.quick else SEEDS
    policies = {name: DAY[name] for name in QUICK_DAY} if order.quick else DAY
    day = _runs(order, policies, seeds=seeds, per_s=PER_S, seconds=SECONDS)
    capacity = averaged(day["fcfs"], "busy_units_per_s")
    load = averaged(day["fcfs"], "units_asked") / SECONDS / capacity
    long = _runs(
        order,
        {name: LONG[name] for name in QUICK_LONG} if order.quick else LONG,
        seeds=seeds,
        per_s=PER_S * LONG_LOAD / load,
        seconds=LONG_SECONDS / 2 if order.quick else LONG_SECONDS,
        units_per_s=capacity,
    )
    tables = [runs_table("The published day", day), runs_table("105 % load", long)]
    figures = []
    if not order.quick:
        sweep = {at: _sweep(order, per_s=PER_S * at / load, units_per_s=capacity) for at in LOADS}
        tables.append(sweep_table(sweep))
        figures.append(sweep_figure(sweep))
    return PaperResult(
        paper="fairserve",
        title=TITLE,
        source="arXiv 2411.15997",
        command="evenhand paper fairserve",
        quick=order.quick,
        setting=_setting(seeds, load),
        rows=tuple(judged_rows(CLAIMS, _ours(day, long))),
        tables=tuple(tables),
        figures=tuple(figures),
    )


def _setting(seeds: tuple[int, ...], load: float) -> tuple[str, ...]:
    numbers = ", ".join(map(str, seeds))
    trace = f"Workload {WORKLOAD}, seeds {numbers}; lengths an eighth, as in the artifact."
    day = (
        f"The published day: {PER_S:g} requests/s for {SECONDS:g} s, which is {load:.1f} times what the "
        "engine can do; clients wait whatever it takes (there: 480 s)."
    )
    target = (
        "OIT's overload target: 240 s in the published day (half of what clients wait there), 10 s (the "
        "default) beside it and otherwise. It has no limit of requests."
    )
    settled = (
        "Settled after a look at first runs: ten minutes at 105 %, as in three no queue came up; both "
        "readings of who is within its share, as they differ."
    )
    engine = f"One engine, profile {ENGINE}, S-LoRA-like; the core sits inside it."
    return engine, trace, day, target, settled


def _runs(
    order: Order,
    policies: Mapping[str, Chosen],
    *,
    seeds: tuple[int, ...],
    per_s: float,
    seconds: float,
    units_per_s: float | None = None,
) -> Runs:
    specs = [
        PlatformRun(
            preset=chosen.preset,
            settings=chosen.settings,
            admission=chosen.admission,
            seed=seed,
            per_s=per_s,
            seconds=seconds,
            units_per_s=units_per_s,
        )
        for chosen in policies.values()
        for seed in seeds
    ]
    figures = iter(run_all(run, specs, order))
    return {name: [next(figures) for _ in seeds] for name in policies}


def _sweep(order: Order, *, per_s: float, units_per_s: float) -> Runs:
    return _runs(
        order,
        SWEEP,
        seeds=SEEDS[:1],
        per_s=per_s,
        seconds=SWEEP_SECONDS,
        units_per_s=units_per_s,
    )


def _ours(day: Runs, long: Runs) -> dict[str, Measured | float | None]:
    patient, default, vtc = day["fairserve 240 s"], day["fairserve 10 s"], day["vtc"]
    oit, long_vtc, long_rpm = long["fairserve 10 s"], long["vtc"], long["rpm 50"]
    rpm = day["rpm 50"]
    of_rpm = {
        f"day rpm {limit}": summed(day[f"rpm {limit}"], "throttled")
        / summed(day[f"rpm {limit}"], "interactions")
        for limit in (10, 50, 100)
        if f"rpm {limit}" in day
    }
    return {
        "day throttled ratio": _with_counts(rpm, patient),
        "day throttled ratio, 10 s": _with_counts(rpm, default),
        "day wasted": summed(patient, "wasted_tokens") + summed(default, "wasted_tokens"),
        "day wasted rpm": averaged(rpm, "wasted_tokens"),
        **of_rpm,
        "day served users": 100 * averaged(patient, "served_share_users"),
        "day throughput files": _ratio(patient, vtc, "prompt_tokens_per_s"),
        "day throughput claim": _ratio(patient, vtc, "prompt_tokens_per_s"),
        "day prompt rpm": _ratio(rpm, vtc, "prompt_tokens_per_s"),
        "day decode rpm": _ratio(rpm, vtc, "output_tokens_per_s"),
        "day latency": _ratio(vtc, patient, "latency_mean_s"),
        "day ttft rpm": _ratio(rpm, vtc, "ttft_mean_s"),
        "day length": _ratio(patient, vtc, "makespan_s"),
        "day queue delay": _ratio(vtc, patient, "mid_queue"),
        "day users delayed": 100 * averaged(patient, "users_delayed_share"),
        "day answered": min(one.answered_at_once for one in (*patient, *default, *oit)),
        "long throttled ratio": _with_counts(long_rpm, oit),
        "long wasted": summed(oit, "wasted_tokens"),
        "long within": summed(oit, "throttled_within"),
        "long in-share wait": _by_seed(oit, long_vtc, "in_share_wait_p99_s"),
        "long in-share wait vtc order": _by_seed(long[VTC_OIT], long_vtc, "in_share_wait_p99_s"),
        "long content wait": _by_seed(oit, long_vtc, "content_wait_p99_s"),
        "long queue vtc": _ratio(long_vtc, oit, "mid_queue"),
        "long queue rpm": _ratio(long_rpm, oit, "mid_queue"),
        "long served": 100 * averaged(oit, "served_share_interactions"),
        "long throughput": _ratio(oit, long_rpm, "prompt_tokens_per_s"),
    }


def _with_counts(rpm: list[PlatformFigures], oit: list[PlatformFigures]) -> Measured:
    """How many times as many interactions RPM throttles; against none, against one."""
    many, few = summed(rpm, "throttled"), summed(oit, "throttled")
    ratio = many / max(1, few)
    return Measured(ratio, text=f"{ratio:.1f} ({many:.0f} : {few:.0f})")


def _by_seed(above: list[PlatformFigures], below: list[PlatformFigures], name: str) -> Measured:
    """The ratio of the means; and of each seed."""
    ratio = _ratio(above, below, name)
    each = [getattr(a, name) / getattr(b, name) for a, b in zip(above, below, strict=True)]
    texts = ", ".join(f"{value:.3f}" for value in each)
    return Measured(ratio, text="" if ratio is None else f"{ratio:.3f} (by seed {texts})")


def _ratio(above: list[PlatformFigures], below: list[PlatformFigures], name: str) -> float | None:
    divisor = summed(below, name)
    return summed(above, name) / divisor if divisor else None


FAIRSERVE = Paper(
    name="fairserve",
    title=TITLE,
    source="arXiv 2411.15997",
    claims=CLAIMS,
    run=run_fairserve,
)
