"""The options of a command that name a policy."""

from typing import Annotated

import typer

PolicyOption = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="NAME",
        help="This policy of `evenhand policies`, in place of the file's section `policy`.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A part or a parameter of the policy, such as prediction=none; may be repeated.",
    ),
]
