"""`evenhand keys`: makes, lists, rotates and revokes the API keys of the state database.

Lives here: the four commands, and how they tell a gateway that runs.
May import: stores, the configuration; typer for the terminal.
Promises: a secret is shown once, on standard output; a command that says "in force" has the gateway's
word for it.
"""

from evenhand.cli.keys.app import app

__all__ = ["app"]
