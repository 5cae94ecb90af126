"""`evenhand keys rotate`: a new secret for a key; its id, its budget and its history stay."""

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from evenhand.cli.keys.confirmation import confirm, tell
from evenhand.cli.keys.named import key_id_of
from evenhand.cli.keys.options import (
    FILE,
    WAIT_S,
    File,
    KeyArgument,
    Wait,
    milliseconds,
    span,
)
from evenhand.cli.keys.place import opened
from evenhand.cli.state_access import problems_told
from evenhand.stores.key_text import new_key


def rotate(
    key: KeyArgument,
    grace: Annotated[
        Any,
        typer.Option(
            parser=span,
            metavar="SPAN",
            help="The old key goes on so long, such as 1h. Left out: not.",
        ),
    ] = None,
    file: File = FILE,
    wait_s: Wait = WAIT_S,
) -> None:
    """Make a new key in place of ID's and print it on standard output, once."""
    secret = new_key()
    now_ms = time.time_ns() // 1_000_000
    old_until_ms = now_ms + milliseconds(grace or timedelta())
    with problems_told(file), opened(file) as place:
        key_id = key_id_of(key, place)
        place.table.rotate(key_id, place.pepper.digest(secret), now_ms, old_until_ms)
        try:
            confirmation = confirm(place.folder, key_id, wait_s)
        finally:
            # The old one is ending, whatever else becomes of this command.
            typer.echo(secret)
    ends = datetime.fromtimestamp(old_until_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    old = f"the old one ends {ends}" if grace else "the old one has ended"
    tell(key_id, f"has a new key, not shown again; {old}", confirmation)
