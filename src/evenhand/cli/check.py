"""`evenhand check`: explains every problem of a configuration, or prints it with its defaults."""

import os
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.config import AskedPolicy, ConfigurationError, effective, look_outside, read
from evenhand.cli.policy_options import PolicyOption, SetOption


def check(
    file: Annotated[Path, typer.Argument(help="The configuration to check.")],
    *,
    policy: PolicyOption = None,
    changes: SetOption = None,
    no_secrets: Annotated[
        bool,
        typer.Option(
            "--no-secrets",
            help="Do not look whether secrets, certificates and model files are there.",
        ),
    ] = False,
) -> None:
    """Explain every problem in FILE, or print the effective configuration (secrets masked)."""
    try:
        loaded = read(file, AskedPolicy(policy, tuple(changes or ())))
    except ConfigurationError as error:
        print_problems(file, error)
        typer.echo(
            "What depends on these was not looked at: mend them, then check again.", err=True
        )
        raise typer.Exit(1) from None
    try:
        if not no_secrets:
            look_outside(loaded, os.environ)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    typer.echo(effective(loaded.config), nl=False)


def print_problems(file: Path, error: ConfigurationError) -> None:
    """One line a problem, on stderr."""
    for line in error.explanation(str(file)):
        typer.echo(line, err=True)
