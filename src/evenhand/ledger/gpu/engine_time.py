"""The time of one engine's GPUs, divided among the requests that were there.

Time is cut into stretches, of a second in the gateway. What of a stretch was busy, idle or down is known
to the microsecond; the busy part is divided by the work that each request caused in it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from evenhand.ledger.gpu.division import divide
from evenhand.ledger.gpu.owner import NOBODY, GpuKind, GpuOwner
from evenhand.ledger.gpu.pace import Pace
from evenhand.ledger.gpu.stay import GpuStay


class Stretch(NamedTuple):
    """`gpu_us` sums to the stretch's length times the GPUs."""

    from_us: int
    to_us: int
    gpu_us: Mapping[GpuOwner, int]


class EngineTime:
    """`gpus` is how many the engine has. All times are microseconds of one clock that never goes back.

    For each request: `began`, then `ended` once. `close_stretch` now and then.
    """

    def __init__(self, *, gpus: int, now_us: int, is_up: bool) -> None:
        assert gpus > 0
        self.gpus = gpus
        self._is_up = is_up
        self._from_us = self._seen_us = now_us
        self._open: dict[GpuStay, None] = {}
        # Bounded by what can end in one stretch.
        self._ended: list[GpuStay] = []
        self.finished: list[GpuStay] = []
        """Those that ended in the stretch that was closed last: what each was given is final."""
        self._busy_us = self._idle_us = self._down_us = 0
        self._prompt_pace, self._output_pace = Pace(), Pace()

    @property
    def from_us(self) -> int:
        """Where the stretch under way begins."""
        return self._from_us

    def began(self, stay: GpuStay) -> None:
        """A request was sent there, at `stay.since_us`."""
        if not self._open:  # while there are others, the engine stays busy
            self._pass(stay.since_us)
        self._open[stay] = None

    def ended(self, stay: GpuStay, now_us: int) -> None:
        """It is there no more. Its units must say all that it has caused; none of it, if it was never
        worked on."""
        if len(self._open) == 1:
            self._pass(now_us)
        del self._open[stay]
        stay.ended_us = now_us
        self._ended.append(stay)

    def engine_changed(self, now_us: int, *, is_up: bool) -> None:
        """It came up or went down. What is still there goes on to count as its work."""
        self._pass(now_us)
        self._is_up = is_up

    def close_stretch(self, now_us: int) -> Stretch:
        """Divide what has passed since the last one."""
        self._pass(now_us)
        self._learn_paces()
        gpu_us: dict[GpuOwner, int] = {}
        if self._idle_us:
            gpu_us[NOBODY[GpuKind.IDLE]] = self._idle_us * self.gpus
        if self._down_us:
            gpu_us[NOBODY[GpuKind.DOWN]] = self._down_us * self.gpus
        stays = [*self._ended, *self._open]
        weights = self._weights(stays, now_us)
        if self._busy_us:
            parts = divide(self._busy_us * self.gpus, weights)
            for stay, part in zip(stays, parts, strict=True):
                if part:
                    stay.gpu_us += part
                    gpu_us[stay.owner] = gpu_us.get(stay.owner, 0) + part
        stretch = Stretch(self._from_us, now_us, gpu_us)
        self._from_us = now_us
        self.finished, self._ended = self._ended, []
        self._busy_us = self._idle_us = self._down_us = 0
        return stretch

    def _learn_paces(self) -> None:
        """From those that have ended, together: that costs less than one by one as they end."""
        prompt_units = prompt_us = whole_units = whole_us = 0
        for stay in self._ended:
            assert stay.ended_us is not None
            if not stay.is_seen:  # which part of its time was the prompt's, nobody has seen
                whole_units += stay.input_units + stay.output_tokens * stay.units_per_output
                whole_us += stay.ended_us - stay.since_us
            elif stay.answered_us is not None:
                prompt_units += stay.input_units
                prompt_us += stay.answered_us - stay.since_us
        self._prompt_pace.learn(prompt_units + whole_units, prompt_us + whole_us)
        self._output_pace.learn(whole_units, whole_us)

    def _weights(self, stays: list[GpuStay], now_us: int) -> list[int]:
        paces = self._prompt_pace, self._output_pace
        work = [stay.work(self._from_us, now_us, *paces) for stay in stays]
        if any(work):
            return work
        return [stay.presence_us(self._from_us, now_us) for stay in stays]

    def _pass(self, now_us: int) -> None:
        passed_us = now_us - self._seen_us
        assert passed_us >= 0, "time goes back"
        self._seen_us = now_us
        if self._open:
            self._busy_us += passed_us
        elif self._is_up:
            self._idle_us += passed_us
        else:
            self._down_us += passed_us
