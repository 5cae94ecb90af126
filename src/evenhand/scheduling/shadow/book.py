"""One world's figures: of each tenant, in all and over the last minutes."""

from collections import deque

from evenhand.model import TenantPath
from evenhand.scheduling.shadow.tally import Tally

_SLICE_MS = 30_000
_SLICES = 10
RECENT_MS = _SLICE_MS * _SLICES
"""What counts as recent: this slice of time and those before it, so between 4.5 and 5 minutes."""

_Rows = dict[TenantPath, Tally]


class Book:
    """Bounded by the rows that its callers name, times the slices."""

    def __init__(self) -> None:
        self._in_all: _Rows = {}
        self._slices: deque[tuple[int, _Rows]] = deque(maxlen=_SLICES)

    def ended(
        self, row: TenantPath, waited_ms: int, now_ms: int, *, contended_units: int, is_served: bool
    ) -> None:
        """A request has ended, served or not. Exactly once per request."""
        for rows in (self._in_all, self._slice(now_ms)):
            tally = rows.get(row)
            if tally is None:
                tally = rows[row] = Tally()
            tally.waits.add(waited_ms)
            tally.unserved += not is_served
            tally.contended_units += contended_units

    def in_all(self) -> dict[TenantPath, Tally]:
        """Since the beginning. Only to be read."""
        return self._in_all

    def recent(self, now_ms: int) -> dict[TenantPath, Tally]:
        """Over the last `RECENT_MS`."""
        oldest = now_ms // _SLICE_MS - _SLICES + 1
        found: _Rows = {}
        for number, rows in self._slices:
            if number >= oldest:
                for row, tally in rows.items():
                    found.setdefault(row, Tally()).include(tally)
        return found

    def _slice(self, now_ms: int) -> _Rows:
        number = now_ms // _SLICE_MS
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append((number, {}))
        return self._slices[-1][1]
