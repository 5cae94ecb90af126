"""The command group `evenhand ledger`."""

import typer

from evenhand.cli.ledger.audit import audit_command
from evenhand.cli.ledger.backup import backup_command
from evenhand.cli.ledger.restore import restore_command

ledger = typer.Typer(
    name="ledger", help="Audit, back up and restore the state database.", no_args_is_help=True
)
ledger.command("audit")(audit_command)
ledger.command("backup")(backup_command)
ledger.command("restore")(restore_command)
