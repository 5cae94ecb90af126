"""GPU time as an engine's own scheduler tells it, in place of what was estimated of the same time."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evenhand.ledger.gpu.cut import cut
from evenhand.ledger.gpu.engine_time import Stretch
from evenhand.ledger.gpu.owner import GpuOwner

WAIT_US = 10_000_000
"""So long an estimate waits for the engine's own figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldTime:
    """What one run of an engine has told: from `since_us`, when that run began, until `until_us`, whose
    its GPUs' time was. `run` names it. `gpu_us` sums to the time between times the GPUs."""

    run: str
    since_us: int
    until_us: int
    gpu_us: Mapping[GpuOwner, int]


class ToldAccount:
    """Both are given: stretches as they are estimated, and what is told. Comes out: each moment once,
    told where that is known exactly, else estimated."""

    def __init__(self) -> None:
        # Bounded by WAIT_US over the length of a stretch.
        self._waiting: deque[Stretch] = deque()
        self._last: ToldTime | None = None

    def estimated(self, stretch: Stretch) -> None:
        """The next one; each begins where the one before has ended."""
        if stretch.to_us > stretch.from_us:
            self._waiting.append(stretch)

    def told(self, told: ToldTime) -> Iterator[Stretch]:
        """What can be booked now. All of it must be taken."""
        before, self._last = self._last, told
        if before is not None and before.run == told.run:
            if told.until_us <= before.until_us:
                return
            from_us, gpu_us = before.until_us, _grown(before, told)
        else:
            from_us, gpu_us = told.since_us, dict(told.gpu_us)
        waiting = self._waiting
        if from_us == told.until_us:
            return
        if not waiting or from_us < waiting[0].from_us or told.until_us > waiting[-1].to_us:
            return  # a part of it is booked already, or was not seen: stay with the estimate
        while waiting[0].from_us < from_us:
            yield self._take_until(from_us)
        while waiting and waiting[0].from_us < told.until_us:
            self._take_until(told.until_us)
        yield Stretch(from_us, told.until_us, gpu_us)

    def late(self, now_us: int) -> Iterator[Stretch]:
        """Estimates that have waited too long. All of it must be taken."""
        while self._waiting and self._waiting[0].from_us < now_us - WAIT_US:
            yield self._waiting.popleft()

    def rest(self) -> Iterator[Stretch]:
        """Nothing more will be told. All of it must be taken."""
        while self._waiting:
            yield self._waiting.popleft()

    def _take_until(self, at_us: int) -> Stretch:
        """The next estimate, or as much of it as comes before `at_us`."""
        stretch = self._waiting.popleft()
        if stretch.to_us > at_us:
            stretch, rest = cut(stretch, at_us)
            self._waiting.appendleft(rest)
        return stretch


def _grown(before: ToldTime, now: ToldTime) -> dict[GpuOwner, int]:
    grown = {owner: gpu_us - before.gpu_us.get(owner, 0) for owner, gpu_us in now.gpu_us.items()}
    return {owner: gpu_us for owner, gpu_us in grown.items() if gpu_us}
