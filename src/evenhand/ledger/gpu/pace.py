"""How fast an engine has done work of one sort of late."""

_MEMORY_US = 60_000_000
"""Of what lies further back, half counts, then a quarter."""


class Pace:
    """Units per microsecond that a request stays, as a fraction of whole numbers."""

    def __init__(self) -> None:
        self._units = 0
        self._us = 0

    def learn(self, units: int, us: int) -> None:
        """So many were done for one request while it stayed so long."""
        self._units += units
        self._us += us
        while self._us > _MEMORY_US:
            self._us >>= 1
            self._units >>= 1

    def units(self, us: int) -> int:
        """How many are likely in such a time; 0 while nothing is known."""
        return self._units * us // self._us if self._us else 0
