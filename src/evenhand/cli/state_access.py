"""How commands get at the state of a configuration, and how they tell why they cannot."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from evenhand.cli.check import print_problems
from evenhand.cli.config import Config, ConfigurationError, load
from evenhand.cli.state_desk import state_folder
from evenhand.stores import StateFolder, StateProblemError


def configured(file: Path) -> tuple[Config, StateFolder]:
    """A configuration and the state folder it names. Raises ConfigurationError or StateProblemError."""
    config = load(file)
    if config.state is None:
        message = (
            f"{file} has no `state` section, so nothing is kept: add `state: {{folder: state}}` and "
            "start the gateway anew"
        )
        raise StateProblemError(message)
    return config, state_folder(config.state, file)


def folder_of(file: Path) -> StateFolder:
    """The state folder that a configuration names. Raises ConfigurationError or StateProblemError."""
    _, folder = configured(file)
    return folder


@contextmanager
def problems_told(file: Path, exit_code: int = 1) -> Iterator[None]:
    """End the command with that code and a word on stderr where the state cannot be used."""
    try:
        yield
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(exit_code) from None
    except StateProblemError as error:
        typer.echo(f"evenhand: {error}", err=True)
        raise typer.Exit(exit_code) from None
    except sqlite3.Error as error:
        message = f"the state database cannot be used ({error}): see to disk and rights"
        typer.echo(f"evenhand: {message}; `evenhand ledger audit` looks for damage", err=True)
        raise typer.Exit(exit_code) from None
