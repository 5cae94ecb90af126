"""The command, one for each gateway that can be imported from."""

import typer

from evenhand.cli.imports.litellm.command import litellm

app = typer.Typer(
    help="Turn the configuration of another gateway into one of Evenhand.", no_args_is_help=True
)


@app.callback()
def gateways() -> None:
    """Turn the configuration of another gateway into one of Evenhand."""


app.command("litellm")(litellm)
