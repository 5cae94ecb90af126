"""A period of whole UTC days, half open: the first day is in, the last is not."""

import re
from datetime import UTC, date, datetime, timedelta

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_WEEK = re.compile(r"(\d{4})-[Ww](\d{2})")


class Period:
    """From the beginning of one day until before another; None: open at that end."""

    def __init__(self, first: str | None, end: str | None) -> None:
        """Raises ValueError with a message that names the fix."""
        self.first = None if first is None else _day(first)
        self.end = None if end is None else _day(end)
        if self.first and self.end and self.first >= self.end:
            after = self.first + timedelta(days=1)
            raise ValueError(f"the end must be later than the beginning: until {after} is a day")

    @property
    def from_ms(self) -> int | None:
        """Milliseconds since 1970."""
        return None if self.first is None else day_ms(self.first)

    @property
    def to_ms(self) -> int | None:
        """Milliseconds since 1970, not itself in the period."""
        return None if self.end is None else day_ms(self.end)

    def __str__(self) -> str:
        if self.first is None and self.end is None:
            return "at any time"
        since = "" if self.first is None else f"from {self.first} "
        until = "on" if self.end is None else f"until before {self.end}"
        return f"{since}{until} (UTC)"


def named_period(text: str) -> Period:
    """A day (2026-11-26), a week of ISO 8601 (2026-W48), a month (2026-11), or from a day until before
    another (2026-11-01..2026-12-15). Raises ValueError with a message that names the fix."""
    since, dots, until = text.partition("..")
    if dots:
        return Period(since, until)
    first, end = _bounds(text)
    return Period(first.isoformat(), end.isoformat())


def _bounds(text: str) -> tuple[date, date]:
    try:
        if match := _MONTH.fullmatch(text):
            year, month = int(match[1]), int(match[2])
            return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
        if match := _WEEK.fullmatch(text):
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return monday, monday + timedelta(days=7)
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text)
            return day, day + timedelta(days=1)
    except ValueError:
        pass  # told below, as for any other text that is no period
    raise ValueError(
        f"{text!a} is no period: name a month (2026-11), a week (2026-W48), a day (2026-11-26), or"
        " from..to (2026-11-01..2026-12-15)"
    )


def _day(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # told below, as for any other text that is no date
    raise ValueError(f"{text!a} is no date: write year, month and day, such as 2026-11-30")


def day_ms(day: date) -> int:
    """When it begins, in milliseconds since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
