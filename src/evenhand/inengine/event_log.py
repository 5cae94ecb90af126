"""The scheduler of a host inside an engine, recorded where the operator asks for it."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.settings_document import InEngineSettingsError
from evenhand.scheduling import Scheduler, SchedulerSettings

_log = logging.getLogger("evenhand.inengine")


def _nothing() -> None:
    """There is no log."""


class Recorded(NamedTuple):
    """`scheduler` makes it, `close` ends its log, if there is one. `flush` saves what is in it, now and
    then: engines are killed rather than stopped."""

    scheduler: Callable[[SchedulerSettings], Scheduler]
    close: Callable[[], None]
    flush: Callable[[], None] = _nothing


def recorded(settings: InEngineSettings, path: Path | None, *, host: str) -> Recorded:
    """Raises InEngineSettingsError where the log cannot be begun."""
    if path is None:
        return Recorded(Scheduler, _nothing)
    # Only who wants a log loads what writes it.
    from evenhand.stores.event_log import EventLog  # noqa: PLC0415

    try:
        log = EventLog(
            path,
            host=host,
            bytes_max=settings.event_log_mib_max << 20,
            on_stop=lambda why: _log.warning("evenhand: the event log %s stops: %s", path, why),
        )
    except OSError as error:
        raise InEngineSettingsError(
            f"evenhand: event_log {path} cannot be written: {error}."
        ) from error
    return Recorded(log.scheduler, log.close, log.flush)
