"""How often each engine preempted in the last minute, from the counts that it tells."""

from collections import deque

from evenhand.model import EngineName
from evenhand.telemetry.samples import Sample

WINDOW_S = 60


class Preemptions:
    """Told each sample. Bounded by the engines."""

    def __init__(self) -> None:
        self._counts: dict[EngineName, deque[int]] = {}

    def second(self, sample: Sample) -> dict[EngineName, int]:
        """Preemptions of the last minute of those engines that tell them. An engine that counts from 0
        again has been restarted, and begins anew."""
        rates = {}
        for engine in sample.engines:
            count = engine.preemptions
            if count is None:
                self._counts.pop(engine.name, None)
                continue
            counts = self._counts.setdefault(engine.name, deque(maxlen=WINDOW_S + 1))
            if counts and count < counts[-1]:
                counts.clear()
            counts.append(count)
            rates[engine.name] = count - counts[0]
        return rates
