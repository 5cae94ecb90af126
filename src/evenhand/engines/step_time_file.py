"""Reads what the scheduler inside an engine on this machine tells of its time."""

import json
from pathlib import Path
from typing import NamedTuple

_BYTES_MAX = 16 << 20


class StepTimeProblemError(Exception):
    """There is no such file, or it is not in the form; the words say which."""


class ToldOwner(NamedTuple):
    """As it stands in the file."""

    tenant: tuple[str, ...]
    application: str
    us: int


class ToldSteps(NamedTuple):
    """`run` names the engine's process. Microseconds of this machine's monotonic clock; `idle_us` and
    those of the owners sum to `until_us` less `since_us`."""

    run: str
    since_us: int
    until_us: int
    idle_us: int
    owners: tuple[ToldOwner, ...]


def read_step_time(path: Path) -> ToldSteps:
    """Raises StepTimeProblemError. Nothing in it is trusted: what does not add up is refused."""
    try:
        with path.open("rb") as stream:
            document = json.loads(stream.read(_BYTES_MAX))
        told = ToldSteps(
            str(document["run"]),
            _us(document["since_us"]),
            _us(document["until_us"]),
            _us(document["idle_us"]),
            tuple(
                ToldOwner(tuple(str(tenant).split("/")), str(application), _us(us))
                for tenant, application, us in document["owners"]
            ),
        )
    except OSError as error:
        raise StepTimeProblemError(f"cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError):
        raise StepTimeProblemError("is not what the scheduler inside an engine writes") from None
    if told.idle_us + sum(owner.us for owner in told.owners) != told.until_us - told.since_us:
        raise StepTimeProblemError("does not add up")
    return told


def _us(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError
    return value
