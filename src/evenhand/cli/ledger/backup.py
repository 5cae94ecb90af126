"""`evenhand ledger backup`: a copy of the state database, made while the gateway runs."""

from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.state_access import folder_of, problems_told
from evenhand.stores.backup import back_up
from evenhand.stores.pepper import PEPPER


def backup_command(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    *,
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="The gateway's configuration.")
    ] = Path("evenhand.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Copy the state database into FILE while the gateway runs.

    The copy is of one moment, audited, and on disk before it has its name;
    or there is none. The file `pepper` of the state folder is not in it.
    """
    with problems_told(config):
        folder = folder_of(config)
        copy = back_up(folder, file, may_replace=force)
    found = copy.audit
    typer.echo(
        f"Wrote {file}: batch {found.seq:,}, {found.transfers:,} transfers,"
        f" {len(found.open_requests):,} open holds, {copy.bytes:,} bytes. It passed the audit."
    )
    typer.echo(
        f"Keep {folder.path / PEPPER} too, in another place: without that file no API key that"
        " `evenhand keys` made works any more."
    )
