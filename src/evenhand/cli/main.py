"""The `evenhand` command."""

from typing import Annotated

import typer

import evenhand
from evenhand.cli.calibrate.command import calibrate
from evenhand.cli.check import check
from evenhand.cli.compare.command import compare
from evenhand.cli.demo.command import demo
from evenhand.cli.docs import docs
from evenhand.cli.explain import explain
from evenhand.cli.golden import app as golden
from evenhand.cli.init import init
from evenhand.cli.keys import app as keys
from evenhand.cli.ledger.command import ledger
from evenhand.cli.observed import observed
from evenhand.cli.paper.command import paper
from evenhand.cli.policies.command import policies
from evenhand.cli.profiles.command import profiles
from evenhand.cli.replay import replay
from evenhand.cli.serve import serve
from evenhand.cli.simulate.command import simulate
from evenhand.cli.usage.command import usage
from evenhand.cli.workloads.command import workloads

app = typer.Typer(
    name="evenhand",
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
app.command()(workloads)
app.command()(profiles)
app.add_typer(golden)
app.command()(calibrate)
app.command()(paper)
app.command()(simulate)
app.command()(compare)
app.command()(usage)
app.add_typer(ledger)
app.command()(observed)
app.command()(replay)
app.command()(explain)
app.add_typer(keys, name="keys")
app.command(hidden=True)(docs)


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
