"""`python -m evenhand` is the `evenhand` command."""

from evenhand.cli.main import app

app()
