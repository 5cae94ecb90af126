"""The `evenhand` command."""

from typing import Annotated

import typer

import evenhand
from evenhand.cli.check import check
from evenhand.cli.control.commands import audit, drift, reload
from evenhand.cli.control.tenants import app as tenants
from evenhand.cli.deferred import DeferredCommands
from evenhand.cli.demo.command import demo
from evenhand.cli.engines import app as engines
from evenhand.cli.explain import explain
from evenhand.cli.imports.app import app as imports
from evenhand.cli.init import init
from evenhand.cli.keys import app as keys
from evenhand.cli.ledger.command import ledger
from evenhand.cli.observed import observed
from evenhand.cli.policies.command import policies
from evenhand.cli.reconcile.command import reconcile
from evenhand.cli.serve import serve
from evenhand.cli.statement.command import statement
from evenhand.cli.top.command import top
from evenhand.cli.usage.command import usage

app = typer.Typer(
    name="evenhand",
    cls=DeferredCommands,
    help="Fair shares of one LLM cluster for many tenants, counted in work done.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command()(serve)
app.command()(demo)
app.command()(init)
app.command()(check)
app.command()(policies)
app.command()(usage)
app.command()(statement)
app.command()(reconcile)
app.add_typer(ledger)
app.command()(observed)
app.command()(explain)
app.command()(top)
app.command()(drift)
app.command()(reload)
app.command()(audit)
app.add_typer(tenants, name="tenants")
app.add_typer(keys, name="keys")
app.add_typer(engines, name="engines")
app.add_typer(imports, name="import")


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if asked:
        typer.echo(evenhand.__version__)
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Fair shares of one LLM cluster for many tenants, counted in work done."""
    del version  # its callback has answered already
