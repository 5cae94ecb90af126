"""`evenhand ledger restore`: a backup becomes the state database again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.state_access import folder_of, problems_told
from evenhand.stores.pepper import PEPPER
from evenhand.stores.restore import restore


def restore_command(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    *,
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="The gateway's configuration.")
    ] = Path("evenhand.yaml"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace the database that is there; it is kept.")
    ] = False,
) -> None:
    """Put the backup FILE in place of the state database.

    No gateway may run meanwhile. The backup is audited first. What was
    booked after it is in the replaced database alone, which stays beside
    the new one under a name with the date.
    """
    with problems_told(config):
        folder = folder_of(config)
        label = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        restored = restore(folder, file, label=label, may_replace=force)
    found = restored.copy.audit
    typer.echo(
        f"Restored {folder.database} from {file}: batch {found.seq:,}, {found.transfers:,}"
        f" transfers, {len(found.open_requests):,} open holds, which the next start resolves."
    )
    if restored.kept is not None:
        typer.echo(f"The database from before is {restored.kept}: remove it when you are sure.")
    if not (folder.path / PEPPER).exists():
        typer.echo(
            f"There is no {folder.path / PEPPER}: if `evenhand keys` made API keys, put that file"
            " back as well."
        )
