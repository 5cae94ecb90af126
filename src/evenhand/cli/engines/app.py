"""The three commands."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer

from evenhand.cli.config import load
from evenhand.cli.control.asking import asked
from evenhand.cli.control_line import ask
from evenhand.cli.keys.options import FILE, WAIT_S, File, Wait
from evenhand.cli.state_access import configured, problems_told

app = typer.Typer(
    help="Look at the engines of the running gateway, drain and resume them.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The engine's name, as configured.")]
_COLUMNS = ("name", "state", "in flight", "given up", "window", "reason")


@app.command("list")
def list_engines(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="An object a line.")] = False,
    file: File = FILE,
    wait_s: Wait = WAIT_S,
) -> None:
    """Show each engine: whether it takes requests, how many it has, and why not more."""
    engines = _asked({"do": "engines"}, file, wait_s, "GET", "")["engines"]
    if as_json:
        for engine in engines:
            typer.echo(orjson.dumps(engine))
        return
    rows = [_COLUMNS, *(_cells(engine) for engine in engines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


@app.command()
def drain(name: Name, file: File = FILE, wait_s: Wait = WAIT_S) -> None:
    """Give an engine no more requests; those that it has end there. Lasts until `resume`, or until the
    gateway starts anew."""
    line = {"do": "drain_engine", "engine": name}
    engine = _asked(line, file, wait_s, "POST", f"/{quote(name, safe='')}/drain")["engine"]
    left = engine["in_flight"] + engine["given_up"]
    typer.echo(f"{name} is drained; {left} requests are still there.", err=True)


@app.command()
def resume(name: Name, file: File = FILE, wait_s: Wait = WAIT_S) -> None:
    """Give an engine requests again, also one that was left alone because it failed or lied."""
    line = {"do": "resume_engine", "engine": name}
    engine = _asked(line, file, wait_s, "POST", f"/{quote(name, safe='')}/resume")["engine"]
    words = "takes requests" if engine["up"] else f"is resumed, and is down: {engine['reason']}"
    typer.echo(f"{name} {words}.", err=True)


def _asked(
    line: dict[str, Any], file: Path, wait_s: float, method: str, page: str
) -> dict[str, Any]:
    """By the socket in the state folder, which wants no credential; where there is none, by the admin
    listener."""
    with problems_told(file):
        if load(file).state is not None:
            _, folder = configured(file)
            return ask(folder, line, wait_s)
    answer = asked(file, f"/api/v1/engines{page}", method=method)
    return answer if method == "GET" else {"engine": answer}


def _cells(engine: dict[str, Any]) -> tuple[str, ...]:
    counts = (str(engine[name]) for name in ("in_flight", "given_up", "window"))
    return (engine["name"], _state(engine), *counts, engine["reason"])


def _state(engine: dict[str, Any]) -> str:
    if not engine["up"]:
        return "down"
    if engine["drained"]:
        return "drained"
    if engine["circuit"] == "closed":
        return "up"
    return f"{engine['circuit'].replace('_', '-')}: {engine['circuit_because']}"
