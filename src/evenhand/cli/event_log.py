"""The event log that `evenhand serve` keeps when it is told to."""

from dataclasses import dataclass
from pathlib import Path

from evenhand.scheduling import Scheduler, SchedulerSettings
from evenhand.stores.event_log import EventLog
from evenhand.telemetry import RequestLog


@dataclass(frozen=True, slots=True)
class AskedLog:
    """Where to, and how much before compression."""

    path: Path
    bytes_max: int


class NoLogError(Exception):
    """It cannot be begun; the message says why."""


def begin(asked: AskedLog | None, log: RequestLog) -> EventLog | None:
    """Raises NoLogError. When the file is full or cannot be written any more, a line of the log says so
    and the gateway goes on."""
    if asked is None:
        return None
    path = asked.path

    def on_stop(why: str) -> None:
        log.event("event_log_stopped", file=str(path), reason=why)

    try:
        return EventLog(path, host="gateway", bytes_max=asked.bytes_max, on_stop=on_stop)
    except OSError as error:
        raise NoLogError(
            f"--event-log: {path} cannot be written: {error.strerror}. Name another file."
        ) from None


def scheduler_of(settings: SchedulerSettings, event_log: EventLog | None) -> Scheduler:
    """Recorded where there is a log; the text of prompts is kept out of it."""
    if event_log is None:
        return Scheduler(settings)
    return event_log.scheduler(settings, holds_text=False)
