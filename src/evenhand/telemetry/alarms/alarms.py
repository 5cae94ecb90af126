"""Raises and ends alarms, second by second, so that one needs no Prometheus to hear of them."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain

from evenhand.telemetry.alarms.alarm import Alarm, Found, Kind
from evenhand.telemetry.alarms.preemptions import Preemptions
from evenhand.telemetry.alarms.rules import found_in
from evenhand.telemetry.alarms.settings import AlarmSettings
from evenhand.telemetry.samples import Sample

ENDED_MAX = 200


@dataclass(slots=True)
class _Held:
    """A condition that was found of late."""

    found: Found
    since_ms: int
    last_ms: int
    is_raised: bool = False


class Alarms:
    """Told each sample. Bounded by the kinds times the tenants of a sample and the engines."""

    def __init__(
        self,
        settings: AlarmSettings,
        *,
        on_change: Callable[[Alarm], None] = lambda _: None,
        others: Iterable[Callable[[Sample], Iterable[Found]]] = (),
    ) -> None:
        """`on_change` hears of each that is raised or ended; `others` find more than the sample's own
        rules do."""
        self.settings = settings
        self._on_change = on_change
        self._others = tuple(others)
        self._preemptions = Preemptions()
        self._held: dict[object, _Held] = {}
        self._ended: deque[Alarm] = deque(maxlen=ENDED_MAX)

    def look(self, sample: Sample) -> None:
        """Take a second in."""
        now_ms, for_ms = sample.at_ms, self.settings.for_ms
        for found in self._all(sample):
            held = self._held.get(found.key)
            if held is None:
                held = self._held[found.key] = _Held(found, now_ms, now_ms)
            held.found, held.last_ms = found, now_ms
            if not held.is_raised and now_ms - held.since_ms >= for_ms:
                held.is_raised = True
                self._on_change(Alarm(found, held.since_ms))
        for key, held in list(self._held.items()):
            if held.last_ms == now_ms:
                continue
            if not held.is_raised:
                del self._held[key]  # it did not last
            elif now_ms - held.last_ms >= for_ms:
                del self._held[key]
                ended = Alarm(held.found, held.since_ms, held.last_ms)
                self._ended.append(ended)
                self._on_change(ended)

    def standing(self) -> list[Alarm]:
        """Those that stand, the oldest first."""
        raised = [held for held in self._held.values() if held.is_raised]
        return [Alarm(held.found, held.since_ms) for held in sorted(raised, key=_since)]

    def ended(self) -> list[Alarm]:
        """Those that ended last, the newest first."""
        return list(reversed(self._ended))

    def counts(self) -> dict[Kind, int]:
        """How many of each kind stand."""
        counts = dict.fromkeys(Kind, 0)
        for held in self._held.values():
            counts[held.found.kind] += held.is_raised
        return counts

    def _all(self, sample: Sample) -> Iterable[Found]:
        others = chain.from_iterable(look(sample) for look in self._others)
        return chain(found_in(sample, self.settings), self._preempting(sample), others)

    def _preempting(self, sample: Sample) -> Iterable[Found]:
        per_minute, threshold = (
            self._preemptions.second(sample),
            self.settings.preemptions_per_minute,
        )
        for name, count in per_minute.items():
            if threshold is not None and count > threshold:
                what = f"engine {name} preempted {count} requests in the last minute"
                yield Found(Kind.PREEMPTIONS, count, threshold, "per_minute", what, engine=name)


def _since(held: _Held) -> int:
    return held.since_ms
