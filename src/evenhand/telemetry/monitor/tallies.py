"""Counts by application over the last five minutes, of what may be abuse."""

from dataclasses import dataclass

from evenhand.telemetry.monitor.profile import Who

HALF_S = 150
WHO_MAX = 2_000


@dataclass(slots=True)
class Tally:
    """Of one application."""

    ended: int = 0
    refused: int = 0
    resent: int = 0
    forged: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            self.ended + other.ended,
            self.refused + other.refused,
            self.resent + other.resent,
            self.forged + other.forged,
        )


class Tallies:
    """In two halves, so between two and a half and five minutes count. At most so many applications in
    each: further ones are not counted in that half."""

    def __init__(self) -> None:
        self._now: dict[Who, Tally] = {}
        self._before: dict[Who, Tally] = {}
        self._seconds = 0

    def of(self, who: Who) -> Tally:
        """The counts of this half, to be added to."""
        tally = self._now.get(who)
        if tally is None:
            tally = Tally()
            if len(self._now) < WHO_MAX:
                self._now[who] = tally
        return tally

    def second(self) -> None:
        """A second has passed."""
        self._seconds += 1
        if self._seconds % HALF_S == 0:
            self._before, self._now = self._now, {}

    def recent(self) -> dict[Who, Tally]:
        """Everybody's counts of both halves."""
        every = dict(self._before)
        for who, tally in self._now.items():
            before = every.get(who)
            every[who] = tally if before is None else tally.plus(before)
        return every
