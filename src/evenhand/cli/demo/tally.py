"""What is going on with one tenant at this moment: for the eyes, not for the figures."""

from collections import Counter, deque
from dataclasses import dataclass, field

from evenhand.cli.demo.record import End, Record

_RECENT_MAX = 15
_TROUBLES_MAX = 20


@dataclass(slots=True)
class Tally:
    """Counts of one tenant in one phase."""

    sent: int = 0
    done: int = 0
    failed: int = 0
    refused: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    """How often each failure was; kinds beyond the first twenty are put together."""
    _first: Record | None = None
    _recent: "deque[float]" = field(default_factory=lambda: deque(maxlen=_RECENT_MAX))

    @property
    def open(self) -> int:
        """Requests that wait or are being answered."""
        return self.sent - self.done - self.failed - self.refused

    def begin(self, record: Record) -> None:
        """A request is on its way."""
        self.sent += 1
        self._first = self._first or record

    def end(self, record: Record) -> None:
        """It is over; call it once for each that was not cut off."""
        if record.end is End.DONE:
            self.done += 1
            assert record.first_token_at is not None
            self._recent.append(record.first_token_at - record.sent_at)
            return
        if record.end is End.REFUSED:
            self.refused += 1
            return
        self.failed += 1
        known = record.trouble in self.troubles or len(self.troubles) < _TROUBLES_MAX
        self.troubles[record.trouble if known else "other failures"] += 1

    def ttft_s(self, now: float) -> float | None:
        """Median time to the first token of the latest answers; before the first answer, how long
        the first request has been waiting."""
        if self._recent:
            return sorted(self._recent)[len(self._recent) // 2]
        return (
            None
            if self._first is None or self.failed or self.refused
            else now - self._first.sent_at
        )
