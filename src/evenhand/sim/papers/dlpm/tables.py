"""The runs for the DLPM paper as tables and figures."""

from collections.abc import Iterator, Mapping

from evenhand.sim.papers.dlpm.published import FIGURE_1, FIGURE_7, FIGURE_10A
from evenhand.sim.papers.dlpm.run import LocalityFigures, mean
from evenhand.sim.papers.result import PaperFigure, PaperLine, PaperTable

Results = Mapping[tuple[str, ...], list[LocalityFigures]]
_NOTE = "Ours / published. Latency in seconds."


def tables_of(results: Results) -> tuple[PaperTable, ...]:
    """Those that the results hold anything for."""
    tables = (
        _figure_7(results),
        _figure_1(results),
        _rerun(results),
        _pools(results),
        _frontier(results),
        _age(results),
        _told(results),
        _inside(results),
    )
    return tuple(table for table in tables if table.rows)


def figures_of(results: Results) -> tuple[PaperFigure, ...]:
    """Figure 1 and the frontier over both quanta, as far as the results go."""
    return tuple(figure for figure in (_plot_1(results), _plot_frontier(results)) if figure.lines)


def _figure_7(results: Results) -> PaperTable:
    rows = []
    for key, runs in results.items():
        if key[0] not in {"one", "several"}:
            continue
        workload, pattern, policy, engines = (*key[1:], "1")[:4]
        name = "d2lpm" if policy == "dlpm" else policy
        point = FIGURE_7.get((workload, pattern, name, int(engines)))
        rows.append(
            (
                f"{workload} {pattern}",
                engines,
                policy,
                _beside(runs, "service_per_s", ",.0f", point and point.service),
                _beside(runs, "jain", ".3f", point and point.jain),
                _beside(runs, "p50_s", ".0f", point and point.p50_s),
                _beside(runs, "p99_s", ".0f", point and point.p99_s),
                f"{mean(runs, 'hit_rate'):.2f}",
            )
        )
    return PaperTable(
        title="Figure 7: service, Jain, latency of those who behave",
        columns=(
            "workload",
            "engines",
            "policy",
            "service/s",
            "Jain",
            "P50",
            "P99",
            "our hit rate",
        ),
        rows=tuple(rows),
        note=_NOTE + " LPM and VTC go with round robin where there are several engines.",
    )


def _beside(runs: list[LocalityFigures], name: str, form: str, published: float | None) -> str:
    ours = format(mean(runs, name), form)
    return ours if published is None else f"{ours} / {format(published, form)}"


def _ours(runs: list[LocalityFigures]) -> str:
    return f"{mean(runs, 'service_per_s'):,.0f}"


def _figure_1(results: Results) -> PaperTable:
    rows = []
    for name, (jain, service) in FIGURE_1.items():
        runs = results.get(("quantum", name))
        if runs is None:
            continue
        rows.append(
            (
                f"dlpm, quantum {name}" if name.isdigit() else name,
                f"{_ours(runs)} / {service:,.0f}",
                f"{mean(runs, 'jain'):.3f} / {jain:.3f}",
                f"{mean(runs, 'hit_rate'):.2f}",
            )
        )
    return PaperTable(
        title="Figure 1: the quantum, tree s1 on one A10G",
        columns=("policy", "service/s", "Jain", "our hit rate"),
        rows=tuple(rows),
        note=_NOTE + " The paper's model there has 3B parameters, ours 8B.",
    )


def _rows(results: Results, kind: str) -> Iterator[tuple[str, ...]]:
    for key, runs in results.items():
        if key[0] == kind:
            yield (
                *key[1:],
                _ours(runs),
                f"{mean(runs, 'jain'):.3f}",
                f"{mean(runs, 'p50_s'):.0f}",
                f"{mean(runs, 'p99_s'):.0f}",
                f"{mean(runs, 'hit_rate'):.2f}",
                f"{mean(runs, 'makespan_s'):,.0f}",
            )


_FIGURES = ("service/s", "Jain", "P50", "P99", "hit rate", "length, s")


def _rerun(results: Results) -> PaperTable:
    columns = ("policy", *_FIGURES)
    rows = tuple(_rows(results, "rerun"))
    return PaperTable(
        title="A small cache: judge s1 with a pool of 20,000 tokens",
        columns=columns,
        rows=rows,
        note="The independent re-run of the authors' code had 11,645 and 14,443 (LPM), 8,479 (VTC), "
        "8,083 (DLPM) and 367 to 559 s; its GPU is not named.",
    )


def _pools(results: Results) -> PaperTable:
    columns = ("workload", "policy", "pool, tokens", *_FIGURES)
    return PaperTable(
        title="Cache size as an axis, one engine, s1",
        columns=columns,
        rows=tuple(_rows(results, "pool")),
    )


def _frontier(results: Results) -> PaperTable:
    columns = ("quantum", "quantum of placement", *_FIGURES)
    published = ", ".join(f"{q:,}: {s:,.0f} / {j:.3f}" for q, (j, s) in FIGURE_10A.items())
    return PaperTable(
        title="Both quanta: D2LPM, tree s1, 4 engines",
        columns=columns,
        rows=tuple(_rows(results, "frontier")),
        note=f"Published for the quantum of placement on 4 A10G (service / Jain): {published}.",
    )


def _age(results: Results) -> PaperTable:
    columns = ("workload", "policy", *_FIGURES)
    return PaperTable(
        title="With an age limit of 30 s, one engine, s1",
        columns=columns,
        rows=tuple(_rows(results, "age")),
        note="Where everybody waits for longer than that, the limit makes the order within a tenant "
        "that of arrival. The rows of Figure 7 have none, as the paper.",
    )


def _told(results: Results) -> PaperTable:
    columns = ("workload", "policy", *_FIGURES)
    return PaperTable(
        title="If the core is told what caches drop, one engine, s1",
        columns=columns,
        rows=tuple(_rows(results, "told")),
        note="As the paper's dispatcher is; Evenhand's gateway is not, nor was it for Figure 7, of "
        "whose first seed these are the runs. It matters little here.",
    )


def _inside(results: Results) -> PaperTable:
    columns = ("workload", "policy", *_FIGURES)
    return PaperTable(
        title="The core inside the engine and not in a gateway, one engine, s1",
        columns=columns,
        rows=tuple(_rows(results, "inside")),
        note="As in the paper. Beside the rows of Figure 7 it says what the gateway's late binding, one "
        "request ahead of the engine, changes.",
    )


def _plot_1(results: Results) -> PaperFigure:
    names = [name for name in FIGURE_1 if ("quantum", name) in results]
    lines = []
    if names:
        runs = [results["quantum", name] for name in names]
        labels = tuple(names)
        lines = [
            PaperLine(
                name="ours",
                x=tuple(mean(one, "service_per_s") for one in runs),
                y=tuple(mean(one, "jain") for one in runs),
                labels=labels,
            ),
            PaperLine(
                name="published",
                x=tuple(FIGURE_1[name][1] for name in names),
                y=tuple(FIGURE_1[name][0] for name in names),
                labels=labels,
            ),
        ]
    return PaperFigure(
        title="Figure 1: fairness against throughput over the quantum",
        x="service per second",
        y="Jain",
        lines=tuple(lines),
    )


def _plot_frontier(results: Results) -> PaperFigure:
    by_quantum: dict[str, list[tuple[str, list[LocalityFigures]]]] = {}
    for key, runs in results.items():
        if key[0] == "frontier":
            by_quantum.setdefault(key[1], []).append((key[2], runs))
    lines = tuple(
        PaperLine(
            name=f"quantum {quantum}",
            x=tuple(mean(runs, "service_per_s") for _, runs in points),
            y=tuple(mean(runs, "jain") for _, runs in points),
            labels=tuple(label for label, _ in points),
        )
        for quantum, points in by_quantum.items()
    )
    return PaperFigure(
        title="Frontier over both quanta, 4 engines",
        x="service per second",
        y="Jain",
        lines=lines,
        note="Labels: the quantum of placement.",
    )
