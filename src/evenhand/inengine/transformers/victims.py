"""Who is taken back when the cache is full: the newest request of the tenant furthest over its share.

The engine takes back only such as found no memory in this step. Where another tenant is further over its
share, whoever found none waits a step, and the other's newest sits out the next one: so the engine finds
that without memory, and takes it.
"""

from collections.abc import Mapping
from typing import Any

from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.transformers.record import Record
from evenhand.inengine.transformers.roster import Roster

_TOKENS = 1  # what it would have needed: the least that counts


class Victims:
    """`sits_out` before a step, `chosen` after it."""

    def __init__(self, settings: InEngineSettings, roster: Roster) -> None:
        self._is_fair = settings.fair_preemption
        self._roster = roster
        self._next: Any = None

    def sits_out(self, running: Mapping[str, Any]) -> Any:
        """Of those that run, whom this step leaves out; None: nobody."""
        state = self._next
        if state is not None and (len(running) < 2 or running.get(state.request_id) is not state):
            self._next = None  # it has ended, or there is nobody who would gain by it
        return self._next

    def chosen(
        self, starved: list[tuple[Any, int]], running: Mapping[str, Any], *, is_idle: bool
    ) -> list[tuple[Any, int]]:
        """Those of which the engine takes back from the last on, as many as it has to. `is_idle`:
        nothing was computed, so there is no time to lose."""
        left_out, self._next = self._next, None
        if not self._is_fair:
            return starved
        if left_out is not None:
            starved = [*starved, (left_out, _TOKENS)] if starved else []
        if not starved:
            return starved
        standing, records = self._roster.standings(), self._roster.records

        def place(record: Record) -> tuple[tuple[int, ...], int]:
            return standing(record), record.number

        starved = sorted(starved, key=lambda denied: place(records[denied[0].request_id]))
        worst = max((records[request_id] for request_id in running), key=place)
        last = records[starved[-1][0].request_id]
        if is_idle or standing(worst) <= standing(last):
            return starved
        self._next = worst.state
        return []
