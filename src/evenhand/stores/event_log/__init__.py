"""Event logs on disk: every call of a scheduler with its answer, to be replayed. Form: event-logs.md."""

from evenhand.stores.event_log.log_file import EventLog
from evenhand.stores.event_log.problem import EventLogError
from evenhand.stores.event_log.replay import Difference, Replayed, replay_file

__all__ = ["Difference", "EventLog", "EventLogError", "Replayed", "replay_file"]
