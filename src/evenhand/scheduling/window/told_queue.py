"""The queue inside an engine, as the engine itself tells of it."""

from evenhand.model import EngineReport
from evenhand.scheduling.window.evidence import Evidence

_TARGET = 1
_MOST = 2


class ToldQueue:
    """Hears of each report, with how many requests the gateway had in flight there.

    A queue that one report shows may be a burst between two steps of the engine; one that two in a row
    show stands. Reports that cannot account for half of what the engine was given, twice in a row, are
    not believed.
    """

    def __init__(self) -> None:
        self._waiting_before = 0
        self._unseen_before = 0
        self._preemptions: int | None = None
        self.waiting = 0
        """As told last."""
        self.is_credible = False
        self.preempted = 0
        """How many requests were thrown out between the last two reports."""

    def heard(self, report: EngineReport, in_flight: int) -> Evidence | None:
        """None: it does not say what runs and waits, or cannot be believed."""
        self._count_preemptions(report)
        if report.waiting is None or report.running is None:
            self.is_credible = False
            return None
        waiting = self.waiting = report.waiting
        unseen = in_flight - report.running - waiting
        unseen_twice = min(unseen, self._unseen_before)
        self.is_credible = 2 * unseen_twice <= in_flight
        standing = min(waiting, self._waiting_before)
        self._waiting_before, self._unseen_before = waiting, unseen
        if not self.is_credible:
            return None
        has_room = not waiting and unseen <= 1 + in_flight // 4
        return Evidence(standing, has_room, _TARGET, _MOST)

    def _count_preemptions(self, report: EngineReport) -> None:
        before, now = self._preemptions, report.preemptions
        self.preempted = 0 if before is None or now is None else max(0, now - before)
        self._preemptions = now
