"""The four commands."""

import typer

from evenhand.cli.keys.create import create
from evenhand.cli.keys.listing import list_keys
from evenhand.cli.keys.revoke import revoke
from evenhand.cli.keys.rotate import rotate

app = typer.Typer(
    help="Make, list, rotate and revoke API keys, also while the gateway runs.",
    no_args_is_help=True,
)
app.command()(create)
app.command("list")(list_keys)
app.command()(rotate)
app.command()(revoke)
