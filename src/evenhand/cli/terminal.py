"""Where commands print: tables of a readable width, JSON on one line."""

import sys

import orjson
from rich.console import Console


def console(columns_max: int) -> Console:
    """Standard output, at most so wide; exactly so wide where it is no terminal."""
    found = Console(highlight=False)
    width = min(found.width, columns_max) if found.is_terminal else columns_max
    return Console(highlight=False, width=width)


def write_json(document: object) -> None:
    """Onto standard output."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
