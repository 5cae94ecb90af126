"""`evenhand check`: explains every problem of a configuration, or prints it with its defaults, or asks
the engines what they offer."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.cautions import cautions
from evenhand.cli.config import (
    AskedPolicy,
    Config,
    ConfigurationError,
    ResolvedSecrets,
    effective,
    look_outside,
    read,
)
from evenhand.cli.policy_options import PolicyOption, SetOption
from evenhand.cli.probe.examination import examine
from evenhand.cli.probe.screen import document, show
from evenhand.cli.terminal import console, write_json

_COLUMNS_MAX = 110
_ENGINE_WRONG = 3


def check(
    file: Annotated[Path, typer.Argument(help="The configuration to check.")] = Path(
        "evenhand.yaml"
    ),
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
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Ask every engine what it offers, and say what is missing and what switches it on."
            " Sends three requests of one token to each; starts and stops embedded engines.",
        ),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="With --probe: as JSON, on one line.")
    ] = False,
) -> None:
    """Explain every problem in FILE, or print the effective configuration (secrets masked).

    Exit codes: 0 all is well, 1 the configuration has problems, 2 wrong usage, 3 with --probe: an
    engine cannot serve as configured.
    """
    if probe and no_secrets:
        raise typer.BadParameter("engines may want their secrets: leave out --no-secrets")
    if json and not probe:
        raise typer.BadParameter("--json is for --probe: add it")
    try:
        loaded = read(file, AskedPolicy(policy, tuple(changes or ())))
    except ConfigurationError as error:
        print_problems(file, error)
        typer.echo(
            "What depends on these was not looked at: mend them, then check again.", err=True
        )
        raise typer.Exit(1) from None
    try:
        secrets = None if no_secrets else look_outside(loaded, os.environ)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    if probe:
        assert secrets is not None
        _probe(loaded.config, secrets, json=json)
    else:
        typer.echo(effective(loaded.config), nl=False)
        for caution in cautions(loaded.config):
            typer.echo(f"caution: {caution}.", err=True)


def _probe(config: Config, secrets: ResolvedSecrets, *, json: bool) -> None:
    found = asyncio.run(examine(config, secrets))
    if json:
        write_json(document(found))
    else:
        show(found, console(_COLUMNS_MAX))
    if any(engine.is_wrong for engine in found):
        raise typer.Exit(_ENGINE_WRONG)


def print_problems(file: Path, error: ConfigurationError) -> None:
    """One line a problem, on stderr."""
    for line in error.explanation(str(file)):
        typer.echo(line, err=True)
