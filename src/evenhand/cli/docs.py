"""`evenhand docs`: writes the pages under `docs/` that are made from the code."""

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.api.published import openapi_text
from evenhand.cli.config.reference import reference_text, schema_text
from evenhand.cli.outcomes_page import outcomes_text
from evenhand.cli.paper.evidence_page import PAGE, evidence_text
from evenhand.cli.policies.page import policies_text
from evenhand.cli.profiles.page import profiles_text
from evenhand.cli.workloads.page import workloads_text


def docs(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a page has drifted.")
    ] = False,
) -> None:
    """Write the generated pages into docs/ of the repository."""
    repository = _repository(Path.cwd())
    if repository is None:
        message = "not inside Evenhand's repository: change into a clone of it"
        typer.echo(message, err=True)
        raise typer.Exit(1)
    drifted = False
    texts = pages()
    if (repository / PAGE).is_file():  # it is written by hand around what is generated
        texts[PAGE] = evidence_text(repository)
    for name, text in texts.items():
        file = repository / name
        is_current = file.is_file() and file.read_text(encoding="utf-8") == text
        if check and not is_current:
            drifted = True
            typer.echo(f"{name} does not match the code: run `make docs`", err=True)
        elif not is_current:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
            typer.echo(f"wrote {name}")
    if drifted:
        raise typer.Exit(1)


def pages() -> dict[str, str]:
    """The generated files by path relative to the repository, with what they must hold."""
    return {
        "docs/configuration.md": reference_text(),
        "docs/configuration.schema.json": schema_text(),
        "docs/outcomes.md": outcomes_text(),
        "docs/policies.md": policies_text(),
        "docs/workloads.md": workloads_text(),
        "docs/profiles.md": profiles_text(),
        "docs/openapi.json": openapi_text(),
    }


def _repository(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        project = folder / "pyproject.toml"
        if project.is_file():
            with project.open("rb") as stream:
                name = tomllib.load(stream).get("project", {}).get("name")
            return folder if name == "evenhand" else None
    return None
