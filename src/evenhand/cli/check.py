"""`evenhand check`: explains every problem of a configuration, or prints it with its defaults."""

import os
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.config import ConfigurationError, effective, read, resolve


def check(
    file: Annotated[Path, typer.Argument(help="The configuration to check.")],
    *,
    no_secrets: Annotated[
        bool, typer.Option("--no-secrets", help="Do not look whether the secrets are there.")
    ] = False,
) -> None:
    """Explain every problem in FILE, or print the effective configuration (secrets masked)."""
    try:
        loaded = read(file)
        if not no_secrets:
            resolve(loaded.config, os.environ, loaded.lines)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    typer.echo(effective(loaded.config), nl=False)


def print_problems(file: Path, error: ConfigurationError) -> None:
    """One line a problem, on stderr."""
    for line in error.explanation(str(file)):
        typer.echo(line, err=True)
