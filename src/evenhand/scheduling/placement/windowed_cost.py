"""What the last so many requests cost each engine, wherever they are by now."""

from collections import deque
from dataclasses import dataclass

from evenhand.model import EngineName
from evenhand.scheduling.capacity import EngineState


@dataclass(slots=True, eq=False)
class Placed:
    """One request's part of its engine's cost; `is_counted` until it drops out of the window."""

    engine: EngineName
    cost: int
    is_counted: bool = True


class WindowedCost:
    """Sums over the last `placed_max` requests of all engines together: the same stretch of time for
    each of them."""

    def __init__(self, placed_max: int) -> None:
        assert placed_max >= 1
        self._placed_max = placed_max
        # Bounded by `placed_max`, and by the engines.
        self._window: deque[Placed] = deque()
        self._costs: dict[EngineName, int] = {}

    def of(self, engine: EngineState) -> int:
        return self._costs.get(engine.name, 0)

    def add(self, engine: EngineName, cost: int) -> Placed:
        """The newest request."""
        placed = Placed(engine, cost)
        self._window.append(placed)
        self._costs[engine] = self._costs.get(engine, 0) + cost
        if len(self._window) > self._placed_max:
            oldest = self._window.popleft()
            self._costs[oldest.engine] -= oldest.cost
            oldest.is_counted = False
        return placed

    def correct(self, placed: Placed, cost: int) -> None:
        """It cost something else; 0: it is not there any more."""
        if placed.is_counted:
            self._costs[placed.engine] += cost - placed.cost
        placed.cost = cost
