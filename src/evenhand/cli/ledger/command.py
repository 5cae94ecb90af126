"""The command group `evenhand ledger`."""

import typer

from evenhand.cli.ledger.audit import audit_command
from evenhand.cli.ledger.backup import backup_command
from evenhand.cli.ledger.correct import correct_command
from evenhand.cli.ledger.restore import restore_command

ledger = typer.Typer(
    name="ledger", help="Audit, correct, back up and restore the ledger.", no_args_is_help=True
)
ledger.command("audit")(audit_command)
ledger.command("backup")(backup_command)
ledger.command("correct")(correct_command)
ledger.command("restore")(restore_command)
