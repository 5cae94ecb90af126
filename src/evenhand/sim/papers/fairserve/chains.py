"""Which calls of a workload belong together, as numpy columns by the asks' numbers."""

from collections.abc import Sequence

import numpy as np

from evenhand.sim.measures.columns import Flags, Integers
from evenhand.sim.run_record import RunRecord
from evenhand.workloads.ask import Ask


class Chains:
    """Of one run over these asks. A call without an interaction is one of its own."""

    def __init__(self, asks: Sequence[Ask], record: RunRecord) -> None:
        numbers: dict[str, int] = {}
        of_ask = {
            ask.id: numbers.setdefault(ask.interaction or f"ask {ask.id}", len(numbers))
            for ask in asks
        }
        followed = {ask.id: ask.is_awaited for ask in asks}
        self.interactions = len(numbers)
        self._interaction = np.array([of_ask[ask] for ask in record.ask], dtype=np.int64)
        self._is_followed = np.array([followed[ask] for ask in record.ask], dtype=bool)

    @property
    def interaction(self) -> Integers:
        """Of each row of the record."""
        return self._interaction

    @property
    def is_followed(self) -> Flags:
        """Whether another call waits for this one."""
        return self._is_followed
