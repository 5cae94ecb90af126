"""What a person sees when the runs are over."""

from collections.abc import Iterator, Mapping

from rich.console import Console

from evenhand.cli.simulate.plan import Plan
from evenhand.cli.simulate.table import notes, of_policies, of_tenants
from evenhand.sim.exhibit import Exhibit
from evenhand.sim.measures.figures import RunFigures
from evenhand.sim.profile import EngineProfile
from evenhand.sim.report.words import behind, comparison
from evenhand.workloads.workload import Workload

COLUMNS_MAX = 110


def show(
    plan: Plan,
    profile: EngineProfile,
    workload: Workload,
    exhibits: Mapping[str, Exhibit],
    console: Console,
) -> None:
    """The tables, and what they come to in words."""
    if not console.is_terminal or console.width > COLUMNS_MAX:
        console = Console(highlight=False, width=COLUMNS_MAX)
    runs = {label: exhibit.figures for label, exhibit in exhibits.items()}
    console.print(about(plan, profile, workload), markup=False)
    for remark in workload.remarks:
        console.print(remark, style="yellow", markup=False)
    console.print()
    console.print(of_policies(runs))
    console.print()
    console.print(of_tenants(runs))
    console.print()
    for note in notes(runs):
        console.print(note, style="dim", markup=False)
    console.print()
    for line in told(runs):
        console.print(line, markup=False)


def about(plan: Plan, profile: EngineProfile, workload: Workload) -> str:
    """What was run."""
    kind = ", synthetic" if workload.is_synthetic else ""
    engines = f"{plan.engines} engines" if plan.engines > 1 else "1 engine"
    return (
        f"{workload.name}{kind}: {workload.size:,} requests on {engines} {profile.name}"
        f" ({profile.model} on {profile.gpu}), seed {plan.source.seed}"
    )


def told(runs: Mapping[str, RunFigures]) -> Iterator[str]:
    """Every policy against the first, and whose work came late under each."""
    first, *others = runs
    for label in others:
        yield " ".join(comparison(first, label, runs))
    for label, run in runs.items():
        yield from (f"{label}: {line}" for line in behind(run))
