"""`evenhand import litellm`: from a LiteLLM proxy's configuration to one of ours."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import yaml

from evenhand.cli.check import print_problems
from evenhand.cli.config import ConfigurationError, load
from evenhand.cli.config.document import parse
from evenhand.cli.config.load import text_of
from evenhand.cli.config.problem import Problem
from evenhand.cli.imports.litellm.conversion import Converted, converted, plain
from evenhand.cli.imports.notes import Notes

_EXPORT_BYTES_MAX = 256 << 20


def litellm(
    file: Annotated[Path, typer.Argument(help="LiteLLM's config.yaml.")],
    *,
    keys: Annotated[
        Path | None,
        typer.Option(
            help="Keys and teams as JSON: what LiteLLM answers to GET"
            " /key/list?return_full_object=true, with its teams as `teams` if there are any."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write it there. Left out: to standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Turn a LiteLLM configuration into one of Evenhand: models, prices, keys, tenants, budgets.

    Whatever could not be carried over is listed on standard error, with its line and the reason, and
    again at the head of the result. Exit codes: 0 done, 1 the files cannot be read or the result is not
    sound, 2 wrong usage.
    """
    notes = Notes(file.name)
    of_keys = Notes("" if keys is None else keys.name)
    try:
        document = parse(text_of(file))
        notes.lines = document.lines
        result = converted(document, _export(keys), notes, of_keys)
        written = _written(file, result, [*notes.text(), *of_keys.text()])
        _ensure_sound(written)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    for line in (*notes.text(), *of_keys.text()):
        typer.echo(f"not carried over: {line}", err=True)
    if out is None:
        typer.echo(written, nl=False)
        return
    try:
        with out.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(written)
    except OSError as error:
        typer.echo(
            f"{out} cannot be written ({error.strerror}): choose another, or --force", err=True
        )
        raise typer.Exit(1) from None
    typer.echo(
        f"Wrote {out}. Set {', '.join(result.variables) or 'nothing'}, then: evenhand check {out}"
    )


def _export(file: Path | None) -> object:
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            return json.loads(stream.read(_EXPORT_BYTES_MAX))
    except OSError as error:
        message = f"{file} cannot be read ({error.strerror}): check the path and its permissions"
    except (ValueError, RecursionError):
        message = f"{file} is not JSON: write what LiteLLM answered into it as it is"
    raise ConfigurationError([Problem(None, "", message)])


def _written(file: Path, result: Converted, lost: list[str]) -> str:
    """With its history at the head, so that what is missing is not forgotten."""
    head = [f"Made by `evenhand import litellm` from {file.name}."]
    if result.variables:
        head.append(f"Before it serves, set: {', '.join(result.variables)}.")
    if lost:
        head += ["Not carried over:", *(f"  {line}" for line in lost)]
    comment = "".join(f"# {line.encode('ascii', 'replace').decode()}\n" for line in head)
    body = yaml.safe_dump(plain(result.data), sort_keys=False, allow_unicode=False)
    return f"{comment}\n{body}"


def _ensure_sound(written: str) -> None:
    """The result is what `evenhand check` lets pass. Raises ConfigurationError."""
    with tempfile.TemporaryDirectory(prefix="evenhand-") as folder:
        file = Path(folder) / "evenhand.yaml"
        file.write_text(written, encoding="utf-8")
        load(file)
