"""Periods of budgets: UTC days, weeks from Monday, months, and all time. Days are counted from 1970."""

from enum import StrEnum
from typing import NamedTuple


class Period(StrEnum):
    """How often a budget begins anew."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"
    """Never."""


class Span(NamedTuple):
    """The days of one period: from `first`, before `end`."""

    first: int
    end: int


ALL_TIME = Span(0, 1 << 40)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONDAY = 3
"""1970 began on a Thursday, three days after a Monday."""


def span_of(period: Period, day: int) -> Span:
    """The period of that kind in which the day lies."""
    assert day >= 0
    if period is Period.DAY:
        return Span(day, day + 1)
    if period is Period.WEEK:
        monday = day - (day + _MONDAY) % 7
        return Span(monday, monday + 7)
    if period is Period.MONTH:
        return _month_of(day)
    return ALL_TIME


def _month_of(day: int) -> Span:
    year = 1970 + day // 366  # at most a few too early
    while _days_before(year + 1) <= day:
        year += 1
    first = _days_before(year)
    is_leap = _days_before(year + 1) - first == 366
    for month, days in enumerate(_MONTH_DAYS):
        end = first + days + (is_leap and month == 1)
        if day < end:
            return Span(first, end)
        first = end
    raise AssertionError("a year has twelve months")


def _days_before(year: int) -> int:
    """From the beginning of 1970 to that of the year."""
    return 365 * (year - 1970) + _leap_days_before(year) - _leap_days_before(1970)


def _leap_days_before(year: int) -> int:
    past = year - 1
    return past // 4 - past // 100 + past // 400
