"""The command `evenhand simulate`."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from evenhand.cli.simulate.asked import asked
from evenhand.cli.simulate.crew import run_all
from evenhand.cli.simulate.document import document, write_document
from evenhand.cli.simulate.html import write_html
from evenhand.cli.simulate.plan import Plan
from evenhand.cli.simulate.problem import SimulateError
from evenhand.cli.simulate.progress import Progress
from evenhand.cli.simulate.screen import show
from evenhand.cli.simulate.source import Source, recipe_of

_EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def simulate(
    workload: Annotated[
        str,
        typer.Argument(
            metavar="WORKLOAD_OR_FILE",
            help="One of `evenhand workloads`, or a file of recorded traffic.",
        ),
    ],
    *,
    policy: Annotated[
        list[str],
        typer.Option(
            metavar="P[,P...]",
            help="Policies to compare, of `evenhand policies`; each may have its own parts and"
            " parameters, as in dlpm:quantum_tokens=8000.",
        ),
    ],
    engine: Annotated[
        str, typer.Option(metavar="PROFILE", help="An engine profile by name, or its file.")
    ],
    engines: Annotated[int, typer.Option(metavar="N", help="How many of them.")] = 1,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A dial of the workload, a part or parameter of the policies, a setting of the"
            " simulation, or a fault, as in fault=loss:engine-003@60s+30s; may be repeated.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Of the traffic.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.")
    ] = None,
    html_file: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page there that needs no network."),
    ] = None,
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log",
            metavar="FILE",
            help="Record the decisions of one policy there for `evenhand replay`; compressed if its"
            " name ends in .gz.",
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Policies that run at the same time; as many as processors."
        ),
    ] = None,
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
            log=log_file,
        )
        profile, traffic = plan.profile(), plan.workload()
        labels = [one.label for one in plan.policies]
        with Progress(labels, size=traffic.size) as progress:
            found = run_all(plan, progress, processes=processes or os.cpu_count() or 1)
        exhibits = dict(zip(labels, found, strict=True))
        if json_file is not None:
            write_document(json_file, document(plan, traffic, exhibits))
        if html_file is not None:
            write_html(html_file, plan, profile, traffic, exhibits)
        show(plan, profile, traffic, exhibits, Console(highlight=False))
    except SimulateError as error:
        typer.echo(f"evenhand simulate: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("Stopped. Nothing was written.", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None
