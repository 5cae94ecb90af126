"""Which asks wait for which: calls of one program, turns of one conversation."""

from evenhand.sim.run_record import Fate
from evenhand.workloads.ask import Ask

NEVER_READY = float("inf")


class Precedence:
    """Told of asks that wait for others and of endings of asks that others wait for. Bounded by the asks
    that come after some other or are awaited."""

    def __init__(self) -> None:
        self._ended_ms: dict[int, float] = {}
        self._waiting: dict[int, list[Ask]] = {}
        self._missing: dict[int, int] = {}

    def waits(self, ask: Ask) -> float | None:
        """When it may be sent, `inf` for never; None: not all that it waits for has ended."""
        missing = [other for other in ask.after if other not in self._ended_ms]
        if not missing:
            return self._ready_ms(ask)
        self._missing[ask.id] = len(missing)
        for other in missing:
            self._waiting.setdefault(other, []).append(ask)
        return None

    def ended(self, ask_id: int, fate: Fate, now_ms: float) -> list[tuple[Ask, float]]:
        """An awaited ask has ended: those that now wait for nothing more, and when each may be sent."""
        self._ended_ms[ask_id] = now_ms if fate is Fate.COMPLETED else NEVER_READY
        ready = []
        for ask in self._waiting.pop(ask_id, ()):
            self._missing[ask.id] -= 1
            if not self._missing[ask.id]:
                del self._missing[ask.id]
                ready.append((ask, self._ready_ms(ask)))
        return ready

    def _ready_ms(self, ask: Ask) -> float:
        last_ms = max(self._ended_ms[other] for other in ask.after)
        return max(ask.at_ms, last_ms + ask.think_ms)
