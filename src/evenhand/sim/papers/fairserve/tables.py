"""The platform's runs as tables and one figure."""

from collections.abc import Mapping

from evenhand.sim.papers.fairserve.figures import Runs, averaged
from evenhand.sim.papers.result import PaperFigure, PaperLine, PaperTable

_RUN_COLUMNS = (
    "policy",
    "interactions throttled",
    "of them within",
    "users hit",
    "wasted prompt tokens",
    "users served, %",
    "interactions served, %",
    "wait mean / p99, s",
    "p99 wait in share / content, s",
    "p99 wait within interactions, s",
    "own queue within interactions",
    "users delayed, %",
    "prompt / decode tok/s",
    "length, s",
)


def runs_table(title: str, runs: Runs) -> PaperTable:
    """All figures of each policy, means over the seeds."""
    rows = []
    for name, figures in runs.items():
        value = {field: averaged(figures, field) for field in figures[0].__slots__}
        rows.append(
            (
                name,
                f"{value['throttled']:.0f} of {value['interactions']:.0f}",
                f"{value['throttled_within']:.0f}",
                f"{value['users_hit']:.1f}",
                f"{value['wasted_tokens']:,.0f}",
                f"{100 * value['served_share_users']:.2f}",
                f"{100 * value['served_share_interactions']:.2f}",
                f"{value['ttft_mean_s']:.1f} / {value['ttft_p99_s']:.1f}",
                f"{value['in_share_wait_p99_s']:.1f} / {value['content_wait_p99_s']:.1f}",
                f"{value['mid_wait_p99_s']:.1f}",
                f"{value['mid_queue']:.3f}",
                f"{100 * value['users_delayed_share']:.1f}",
                f"{value['prompt_tokens_per_s']:,.0f} / {value['output_tokens_per_s']:,.0f}",
                f"{value['makespan_s']:.0f}",
            )
        )
    note = (
        "Means over the seeds. Within: some call had been answered already. In share: users who ask for "
        "no more than an equal part of what the engine can do; content: all but those whom an even "
        "division would leave unserved (both for 105 % alone). Served: no call was throttled."
    )
    return PaperTable(title=title, columns=_RUN_COLUMNS, rows=tuple(rows), note=note)


def sweep_table(sweep: Mapping[float, Runs]) -> PaperTable:
    """Each limit at each load: what is throttled, what is wasted, who waits how long."""
    policies = next(iter(sweep.values()))
    rows = []
    for name in policies:
        cells = []
        for runs in sweep.values():
            throttled = 100 * (1 - averaged(runs[name], "served_share_interactions"))
            wasted = averaged(runs[name], "wasted_tokens") / 1000
            wait = averaged(runs[name], "in_share_wait_p99_s")
            cells.append(f"{throttled:.1f} % / {wasted:,.0f}k / {wait:.1f} s")
        rows.append((name, *cells))
    return PaperTable(
        title="Sweep over limits and load",
        columns=("policy", *(f"load {load:g}" for load in sweep)),
        rows=tuple(rows),
        note="Interactions throttled / prompt tokens wasted / p99 wait of users within their share. "
        "300 s of arrivals, one seed. Load: offered over what the engine can do.",
    )


def sweep_figure(sweep: Mapping[float, Runs]) -> PaperFigure:
    """What is throttled over load, a line for each limit."""
    policies = next(iter(sweep.values()))
    lines = tuple(
        PaperLine(
            name=name,
            x=tuple(sweep),
            y=tuple(
                100 * (1 - averaged(runs[name], "served_share_interactions"))
                for runs in sweep.values()
            ),
        )
        for name in policies
    )
    return PaperFigure(
        title="Interactions throttled", x="load", y="percent of the interactions", lines=lines
    )
