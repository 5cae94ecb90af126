"""The figures as one page of HTML."""

import shlex
from collections.abc import Mapping
from pathlib import Path

import evenhand
from evenhand.cli.simulate.document import composed, write_whole
from evenhand.cli.simulate.plan import Plan
from evenhand.cli.simulate.screen import about, told
from evenhand.sim.exhibit import Exhibit
from evenhand.sim.profile import EngineProfile
from evenhand.sim.report.runs import Simulated, simulation_page
from evenhand.sim.settings import SETTINGS
from evenhand.workloads.workload import Workload


def write_html(
    file: Path,
    plan: Plan,
    profile: EngineProfile,
    workload: Workload,
    exhibits: Mapping[str, Exhibit],
) -> None:
    """Whole or not at all. Raises SimulateError."""
    runs = {label: exhibit.figures for label, exhibit in exhibits.items()}
    used = plan.settings.profile(profile)
    text = simulation_page(
        Simulated(
            title=f"{workload.name} under {_listed(list(exhibits))}",
            lead=about(plan, profile, workload),
            lines=[_begun(line) for line in told(runs)],
            remarks=workload.remarks,
            facts=facts(plan, profile, workload),
            exhibits=exhibits,
            kv_tokens=used.kv_tokens * plan.engines,
        )
    )
    write_whole(file, text.encode(), option="--html")


def facts(plan: Plan, profile: EngineProfile, workload: Workload) -> dict[str, str]:
    """What it takes to do it again, and what the figures rest on."""
    policies = {one.label: composed(one.policy()) for one in plan.policies}
    return {
        "Command": command(plan),
        "Workload": workload.name + (", synthetic" if workload.is_synthetic else ", recorded"),
        "Dials": ", ".join(plan.source.dials) or "as they are",
        "Seed": str(plan.source.seed),
        **{f"Policy {label}": _composition(parts) for label, parts in policies.items()},
        "Engine": f"{profile.name}: {profile.model} on {profile.gpu}, loop {profile.loop}",
        "Evidence": profile.evidence,
        "Fit": profile.fit_error,
        "Engines": str(plan.engines),
        "Settings": ", ".join(_set(plan)) or "as they are",
        "Evenhand": evenhand.__version__,
    }


def command(plan: Plan) -> str:
    """The command line that does it again."""
    labels = ",".join(one.label for one in plan.policies)
    words = ["evenhand", "simulate", plan.source.name, "--policy", labels, "--engine", plan.engine]
    words += ["--engines", str(plan.engines), "--seed", str(plan.source.seed)]
    for change in plan.changes:
        words += ["--set", change]
    return shlex.join(words)


def _set(plan: Plan) -> list[str]:
    """What was typed that is of the simulation."""
    known = {*SETTINGS, "fault"}
    return [
        change
        for change in plan.changes
        if change.partition("=")[0].removeprefix("simulation.") in known
    ]


def _composition(parts: Mapping[str, object]) -> str:
    seams, settings = parts["parts"], parts["settings"]
    assert isinstance(seams, dict)
    assert isinstance(settings, dict)
    told = [f"{seam} {name}" for seam, name in seams.items()]
    told += [f"{key}={value}" for key, value in settings.items()]
    return ", ".join(told)


def _listed(labels: list[str], *, most: int = 4) -> str:
    if len(labels) > most:
        return f"{len(labels)} policies"
    if len(labels) == 1:
        return labels[0]
    return f"{', '.join(labels[:-1])} and {labels[-1]}"


def _begun(line: str) -> str:
    return line[:1].upper() + line[1:] if line.startswith("the ") else line
