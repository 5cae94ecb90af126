"""From where on something is an alarm: what stands goes on to stand by the new thresholds, or ends."""

from evenhand.cli.config import Config
from evenhand.cli.live.participant import Apply
from evenhand.cli.sight import alarm_settings
from evenhand.telemetry.alarms import Alarms


class AlarmThresholds:
    """See `Participant`."""

    sections = frozenset({"alarms"})

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def plan(self, old: Config, new: Config) -> Apply:
        del old
        settings = alarm_settings(new.alarms)

        def apply() -> None:
            self._alarms.settings = settings

        return apply
