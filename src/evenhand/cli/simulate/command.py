"""The command `evenhand simulate`."""

import os
from pathlib import Path

import typer
from rich.console import Console

from evenhand.cli.simulate.asked import asked
from evenhand.cli.simulate.crew import run_all
from evenhand.cli.simulate.document import document, write_document
from evenhand.cli.simulate.html import write_html
from evenhand.cli.simulate.options import (
    ChangesOption,
    EngineOption,
    EnginesOption,
    HtmlOption,
    JsonOption,
    LogOption,
    PoliciesOption,
    ProcessesOption,
    SeedOption,
    WorkloadArgument,
)
from evenhand.cli.simulate.plan import Plan
from evenhand.cli.simulate.problem import SimulateError
from evenhand.cli.simulate.progress import Progress
from evenhand.cli.simulate.screen import show
from evenhand.cli.simulate.source import Source, recipe_of

_EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def simulate(
    workload: WorkloadArgument,
    *,
    policy: PoliciesOption,
    engine: EngineOption,
    engines: EnginesOption = 1,
    changes: ChangesOption = None,
    seed: SeedOption = 1,
    json_file: JsonOption = None,
    html_file: HtmlOption = None,
    log_file: LogOption = None,
    processes: ProcessesOption = None,
) -> None:
    """Run any traffic on modelled engines, under one policy or several.

    Ends with the figures of each policy and of the tenants, and says who
    gains and who loses. The scheduler is the gateway's own. The same
    inputs give the same figures, and the same bytes in the JSON file.
    """
    try:
        dials = [dial.name for dial in recipe_of(workload, changes or ()).dials]
        sorted_out = asked(policy, changes or (), dials)
        plan = Plan(
            source=Source(workload, seed, sorted_out.dials),
            policies=sorted_out.policies,
            engine=engine,
            engines=engines,
            settings=sorted_out.settings,
            changes=tuple(changes or ()),
            log=log_file,
        )
        _simulate(plan, json_file, html_file, processes=processes or os.cpu_count() or 1)
    except SimulateError as error:
        typer.echo(f"evenhand simulate: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("Stopped. Nothing was written.", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None


def _simulate(
    plan: Plan, json_file: Path | None, html_file: Path | None, *, processes: int
) -> None:
    """Files before the screen, so that they are there when nobody reads on."""
    profile, traffic = plan.profile(), plan.workload()
    labels = [one.label for one in plan.policies]
    with Progress(labels, size=traffic.size) as progress:
        found = run_all(plan, progress, processes=processes)
    exhibits = dict(zip(labels, found, strict=True))
    if json_file is not None:
        write_document(json_file, document(plan, traffic, exhibits))
    if html_file is not None:
        write_html(html_file, plan, profile, traffic, exhibits)
    show(plan, profile, traffic, exhibits, Console(highlight=False))
