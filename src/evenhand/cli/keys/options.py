"""What the commands have in common on the command line."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

_SPAN = re.compile(r"([1-9][0-9]{0,4})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def span(text: str) -> timedelta:
    """A length of time such as 90d. Raises typer.BadParameter."""
    found = _SPAN.fullmatch(text)
    if not found:
        raise typer.BadParameter("write a length of time such as 30m, 12h, 90d or 4w")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def milliseconds(length: timedelta) -> int:
    """Of a length of time."""
    return length // timedelta(milliseconds=1)


File = Annotated[Path, typer.Option("--config", help="The configuration.")]
FILE = Path("evenhand.yaml")

Wait = Annotated[
    float,
    typer.Option(
        "--wait-s", min=0.1, max=600, help="Seconds to wait for a running gateway's confirmation."
    ),
]
WAIT_S = 15.0

KeyArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The key's id, as `list` shows it; - reads the key itself from standard input.",
    ),
]
