"""`evenhand engines`: looks at the engines of a gateway that runs, drains and resumes them.

Lives here: the three commands.
May import: the configuration and the control socket; typer for the terminal.
Promises: what a command says is done is done in the running gateway, and lasts until that ends.
"""

from evenhand.cli.engines.app import app

__all__ = ["app"]
