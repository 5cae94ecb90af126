"""Feeding an event log to a fresh scheduler and demanding the same answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from evenhand.scheduling import Policy, Scheduler
from evenhand.stores.event_log.event_form import answer_form, call_of
from evenhand.stores.event_log.lines import LogLines
from evenhand.stores.event_log.problem import EventLogError
from evenhand.stores.event_log.settings_form import NamedPolicy, settings_of


@dataclass(frozen=True, slots=True)
class Difference:
    """The first call that was answered otherwise. `now` of a call that failed is what it failed with."""

    line: int
    call: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """`calls` were answered as recorded, up to the `difference`. `ended` is how the log ends: complete,
    full, broken off; None: it stops in the middle, as that of a host that was killed does."""

    host: str
    version: str
    policy: str
    calls: int
    ended: str | None
    difference: Difference | None = None


def _only_built_in(name: str) -> Policy:
    raise LookupError(name)


def replay_file(path: Path, named: NamedPolicy = _only_built_in) -> Replayed:
    """Raises EventLogError where the file is no sound log. `named` finds policies that are not built
    in."""
    lines = LogLines(path)
    try:
        header = lines.header
        calls, difference = _replay(lines, _fresh(header, named))
        return Replayed(
            host=str(header.get("host")),
            version=str(header.get("evenhand")),
            policy=header["settings"]["policy"]["name"],
            calls=calls,
            ended=lines.ended,
            difference=difference,
        )
    finally:
        lines.close()


def _fresh(header: dict[str, Any], named: NamedPolicy) -> Scheduler:
    try:
        return Scheduler(settings_of(header["settings"], named))
    except EventLogError:
        raise
    except Exception as error:  # whatever a form that nobody wrote may lead to
        raise EventLogError(f"line 1: the settings make no sense: {_words(error)}") from error


def _replay(lines: LogLines, scheduler: Scheduler) -> tuple[int, Difference | None]:
    calls = 0
    for number, form in lines:
        try:
            method, arguments, was = call_of(form)
        except Exception as error:  # as above
            raise EventLogError(f"line {number}: {_words(error)}") from error
        try:
            now = _plain(answer_form(getattr(scheduler, method)(**arguments)))
        except Exception as error:  # noqa: BLE001 - a core that is told what cannot be says so in many ways
            now = f"fails: {_words(error)}"
        if now != was:
            call = orjson.dumps(form[:-1]).decode()
            return calls, Difference(number, call, _written(was), _written(now))
        calls += 1
    return calls, None


def _plain(form: Any) -> Any:
    """As it is when it has been written and read."""
    return orjson.loads(orjson.dumps(form)) if isinstance(form, list) else form


def _written(form: object) -> str:
    return form if isinstance(form, str) else orjson.dumps(form).decode()


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if not isinstance(error, ValueError) else str(error)
