"""`evenhand init`: writes a commented configuration to start from."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.config.starter import STARTER, next_steps


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("evenhand.yaml"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented starter configuration, and say what to do next."""
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(STARTER)
    except FileExistsError:
        message = f"{file} exists and is kept: choose another name, or overwrite it with --force"
        typer.echo(message, err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        message = f"{file} cannot be written ({error.strerror}): check the folder and its mode"
        typer.echo(message, err=True)
        raise typer.Exit(1) from None
    typer.echo(f"Wrote {file}.\n")
    typer.echo(next_steps(shlex.quote(str(file))), nl=False)
