"""An engine that serves, whichever it is, and why one cannot."""

from dataclasses import dataclass

MODEL = "tiny"
SLOTS = 8
"""Requests that an engine computes at once."""


class SkippedError(Exception):
    """It cannot run here; the text says why, and what would change that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`kind` as in the gateway's configuration. `pid` is the process whose group does the work."""

    kind: str
    url: str
    pid: int
    version: str = ""
