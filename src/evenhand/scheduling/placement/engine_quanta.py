"""How much work one tenant was given at each engine, against a level that rises by quanta.

The deficits of the paper are `level - charged`. So one refill of all engines is one addition, whoever
they are.
"""

from collections.abc import Sequence

from evenhand.model import EngineName


class EngineQuanta:
    """Of one tenant. An engine is eligible while it was charged less than the level. None has more than
    one quantum left: those that join have one, and being away banks nothing."""

    __slots__ = ("_charged", "_level")

    def __init__(self) -> None:
        self._level = 0
        # Bounded by the engines.
        self._charged: dict[EngineName, int] = {}

    def eligible(self, candidates: Sequence[EngineName], quantum: int) -> set[EngineName]:
        """The candidates at which the tenant has quantum left, at least one: if none has, the level
        rises by the least number of quanta that makes one eligible."""
        charged = {name: self._of(name, quantum) for name in candidates}
        least = min(charged.values())
        if least >= self._level:
            self._level += quantum * ((least - self._level) // quantum + 1)
        return {name for name, units in charged.items() if units < self._level}

    def charge(self, engine: EngineName, units: int, quantum: int) -> None:
        """So much more was given there; less than 0: it went elsewhere."""
        self._charged[engine] = self._of(engine, quantum) + units

    def left(self, engine: EngineName, quantum: int) -> int:
        """The deficit there, in units."""
        return self._level - self._of(engine, quantum)

    def _of(self, engine: EngineName, quantum: int) -> int:
        floor = self._level - quantum
        return max(self._charged.get(engine, floor), floor)
