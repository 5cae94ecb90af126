"""Engine time, shared: each moment of an engine belongs in equal parts to all requests that run there.

The clock of an engine advances by elapsed time over requests in flight. A request's part is how far it
advanced while the request ran, so the parts of all add up to the time in which anything ran.
"""

from evenhand.model import EngineName

_SHIFT = 16
"""Clocks are kept in microseconds times 2^16, so that divisions lose next to nothing."""


class EngineClocks:
    """A clock for each engine. Must be told before the number in flight changes."""

    def __init__(self) -> None:
        self._clocks: dict[EngineName, tuple[int, int]] = {}

    def clock_us(self, name: EngineName, in_flight: int, now_ms: int) -> int:
        """The clock at this moment, with so many in flight since it was asked last."""
        ticks, since_ms = self._clocks.get(name, (0, now_ms))
        if in_flight:
            ticks += ((now_ms - since_ms) * 1000 << _SHIFT) // in_flight
        self._clocks[name] = (ticks, now_ms)
        return ticks >> _SHIFT
