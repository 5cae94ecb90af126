"""VTC's tables and figures, theirs beside ours."""

from collections.abc import Iterable, Mapping

from evenhand.sim.golden.vtc_comparison import RunComparison
from evenhand.sim.papers.result import PaperFigure, PaperLine, PaperTable
from evenhand.sim.papers.vtc import published
from evenhand.sim.papers.vtc.run import GAP_EVERY_S, SuiteFigures

_FAIRNESS_COLUMNS = ("scheduler", "max", "mean", "variance", "tokens/s", "refused")
_NOTE = "Published / ours. In weighted tokens a second, over 19 windows of a minute."


def fairness_table(
    title: str,
    theirs: Mapping[str, published.Fairness],
    ours: Mapping[str, SuiteFigures],
) -> PaperTable:
    """The artifact's table."""
    rows = []
    for scheduler, figures in ours.items():
        known, difference = theirs[scheduler], figures.difference
        rows.append(
            (
                scheduler,
                f"{known.max:.1f} / {difference.max:.1f}",
                f"{known.mean:.1f} / {difference.mean:.1f}",
                f"{known.var:.0f} / {difference.var:.0f}",
                f"{known.tokens_per_s:.0f} / {figures.tokens_per_s:.0f}",
                str(figures.refused),
            )
        )
    return PaperTable(title=title, columns=_FAIRNESS_COLUMNS, rows=tuple(rows), note=_NOTE)


def waits_table(ours: Mapping[tuple[str, str], SuiteFigures]) -> PaperTable:
    """Each client's wait in each suite."""
    rows = []
    for (suite, scheduler), figures in ours.items():
        theirs = published.TTFT.get((suite, scheduler))
        if theirs is None:
            continue
        cells = []
        for client, (mean_s, p90_s) in enumerate(theirs):
            our_mean_s, our_p90_s = figures.waits_s[str(client)]
            cells.append(f"{mean_s:.1f}, {p90_s:.1f} / {our_mean_s:.1f}, {our_p90_s:.1f}")
        rows.append((suite, scheduler, *cells, *[""] * (3 - len(cells))))
    return PaperTable(
        title="Time to the first token",
        columns=("suite", "scheduler", "client 0", "client 1", "client 2"),
        rows=tuple(rows),
        note="Mean, 90th percentile in s; published / ours.",
    )


def measured_table(runs: Mapping[str, RunComparison]) -> PaperTable:
    """Measured runs beside their replays."""
    rows = tuple(
        (
            name.replace("all_results_", ""),
            f"{run.makespan_measured_s:.1f} / {run.makespan_simulated_s:.1f}",
            f"{run.makespan_error:+.1%}",
            f"{run.tokens_per_s_measured:.0f} / {run.tokens_per_s_simulated:.0f}",
            f"{run.service_difference.measured.mean:.1f} / {run.service_difference.simulated.mean:.1f}",
        )
        for name, run in runs.items()
    )
    return PaperTable(
        title="Measured runs, replayed",
        columns=("run", "makespan, s", "error", "tokens/s", "mean difference"),
        rows=rows,
        note="Measured / simulated; the same as `evenhand golden vtc`.",
    )


def gap_figure(title: str, runs: Iterable[tuple[str, SuiteFigures]]) -> PaperFigure:
    """How far clients' received service lies apart."""
    lines = tuple(
        PaperLine(
            name=name,
            x=tuple(float(GAP_EVERY_S * n) for n in range(1, len(figures.gap) + 1)),
            y=figures.gap,
        )
        for name, figures in runs
    )
    return PaperFigure(title=title, x="time, s", y="gap of received service", lines=lines)
