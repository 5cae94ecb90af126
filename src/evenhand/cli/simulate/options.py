"""The options of `evenhand simulate`."""

from pathlib import Path
from typing import Annotated

import typer

WorkloadArgument = Annotated[
    str,
    typer.Argument(
        metavar="WORKLOAD_OR_FILE",
        help="One of `evenhand workloads`, or a file of recorded traffic.",
    ),
]
PoliciesOption = Annotated[
    list[str],
    typer.Option(
        "--policy",
        metavar="P[,P...]",
        help="Policies to compare, of `evenhand policies`; each may have its own parts and"
        " parameters, as in dlpm:quantum_tokens=8000.",
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine", metavar="PROFILE", help="One of `evenhand profiles`, or a file like these."
    ),
]
EnginesOption = Annotated[int, typer.Option("--engines", metavar="N", help="How many of them.")]
ChangesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A dial of the workload, a part or parameter of the policies, a setting of the"
        " simulation, or a fault, as in fault=loss:engine-003@60s+30s; may be repeated.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="S", help="Of the traffic.")]
JsonOption = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.")
]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a page there that needs no network."),
]
LogOption = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="Record the decisions of one policy there for `evenhand replay`; compressed if its"
        " name ends in .gz.",
    ),
]
ProcessesOption = Annotated[
    int | None,
    typer.Option(
        "--processes",
        metavar="N",
        min=1,
        help="Policies that run at the same time; as many as processors.",
    ),
]
