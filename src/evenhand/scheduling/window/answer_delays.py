"""How long answers take, against how long they take when nothing waits inside the engine.

The second signal, and the only one of an engine that says nothing of itself. Derivation: window.md.
"""

from typing import NamedTuple

from evenhand.model import RequestId

_ONE = 1 << 10
"""A whole, where parts are integers."""
_RISE_SHIFT = 6


class _Open(NamedTuple):
    started_us: int
    size: int | None
    usual_us: int | None


class AnswerDelays:
    """One for answers that are streamed, whose delay is that of the first token by size of the prompt,
    and one for the others, whose delay is all of their time by size of the answer."""

    def __init__(self) -> None:
        self._usual_us: dict[int, int] = {}  # by the bits of the size: bounded by those of an int
        self._open: dict[RequestId, _Open] = {}  # bounded by the window
        self._round_us = 0
        self.answers = 0
        """Of requests that were started in this round."""
        self._parts = 0
        self._usual_sum_us = 0

    @property
    def open(self) -> int:
        """Requests that were started and have not been answered."""
        return len(self._open)

    def begin_round(self, now_us: int) -> None:
        """The window has changed: what was started before says nothing of it."""
        self._round_us = now_us
        self.answers = self._parts = self._usual_sum_us = 0

    def started(self, request_id: RequestId, size: int | None, now_us: int) -> None:
        """It was sent. `size` is None where it is not known yet."""
        usual_us = self._longest_us() if size is None else self._of(size)
        self._open[request_id] = _Open(now_us, size, usual_us)

    def gone(self, request_id: RequestId) -> None:
        """It ended without an answer, or was answered before."""
        self._open.pop(request_id, None)

    def answered(
        self, request_id: RequestId, now_us: int, *, is_calm: bool, size: int | None = None
    ) -> None:
        """Its first token, or all of it, has come; `size` if it was not known when it was sent.
        `is_calm`: nobody waits, so that slow answers are the engine's own way and no queue of ours.
        Nothing, if it was told before that it is gone."""
        opened = self._open.pop(request_id, None)
        if opened is None:
            return
        size = size or opened.size or 0
        delay_us = max(1, now_us - opened.started_us)
        usual_us = self._learn(size, delay_us, is_calm=is_calm)
        if opened.started_us >= self._round_us:
            self.answers += 1
            self._usual_sum_us += usual_us
            self._parts += max(0, delay_us - 2 * usual_us) * _ONE // delay_us

    def waiting(self, now_us: int) -> int:
        """How many of the open requests are taken to wait inside the engine: the part of their delay
        that is more than twice the usual, or those that are late already, whichever is more."""
        late = sum(
            opened.usual_us is not None and now_us - opened.started_us > 2 * opened.usual_us
            for opened in self._open.values()
        )
        by_delay = self.open * self._parts // self.answers >> 10 if self.answers else 0
        return max(late, by_delay)

    def would_show(self, now_us: int) -> bool:
        """Whether the round has lasted for so long that slow answers would be late by now."""
        return (now_us - self._round_us) * self.answers >= 3 * self._usual_sum_us

    def _learn(self, size: int, delay_us: int, *, is_calm: bool) -> int:
        usual_us = self._of(size)
        if usual_us is None or delay_us < usual_us:
            usual_us = delay_us
        elif is_calm:
            usual_us += delay_us - usual_us >> _RISE_SHIFT
        self._usual_us[size.bit_length()] = usual_us
        return usual_us

    def _of(self, size: int) -> int | None:
        """What is usual for that size, or can be at most by what is usual for others."""
        bits, known = size.bit_length(), self._usual_us
        if bits in known:
            return known[bits]
        smaller = max((b for b in known if b < bits), default=None)
        if smaller is not None:
            return known[smaller] << min(bits - smaller, 16)
        larger = min((b for b in known if b > bits), default=None)
        return None if larger is None else known[larger]

    def _longest_us(self) -> int | None:
        return max(self._usual_us.values(), default=None)
