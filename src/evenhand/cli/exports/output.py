"""Where a command puts what it has made: on the screen, or into a file, whole or not at all."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from evenhand.cli.exports.parquet_file import ParquetMissingError


def put(content: bytes, output: Path | None) -> None:
    """Write it there; None: on standard output. Ends the command with code 1 where that fails."""
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    unfinished = output.with_name(f".{output.name}.unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(output)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        message = f"{output} cannot be written ({error.strerror}): check the folder and its mode"
        typer.echo(f"evenhand: {message}", err=True)
        raise typer.Exit(1) from None


def refuse_screen(output: Path | None, form: str) -> None:
    """A binary form is for files, and for pipes. Ends the command with code 2."""
    if output is None and sys.stdout.isatty():
        typer.echo(f"evenhand: {form} is no text: name a file with --output", err=True)
        raise typer.Exit(2)


@contextmanager
def missing_told() -> Iterator[None]:
    """End the command with code 1 and a word where a package is missing."""
    try:
        yield
    except ParquetMissingError as error:
        typer.echo(f"evenhand: {error}", err=True)
        raise typer.Exit(1) from None
