"""Periods are those of the calendar, whatever year it is."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from evenhand.ledger import Period
from evenhand.ledger.period import ALL_TIME, span_of
from properties.plain_budgets import period_of

DAY_MS = 86_400_000
_LAST = (datetime(9998, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days


@given(st.integers(0, _LAST), st.sampled_from((Period.DAY, Period.WEEK, Period.MONTH)))
@example(0, Period.WEEK)
@example((datetime(2000, 2, 29, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days, Period.MONTH)
@example((datetime(2100, 2, 28, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days, Period.MONTH)
def test_a_period_is_the_calendars(day: int, period: Period) -> None:
    if period is Period.WEEK and day < 4:
        assert span_of(period, day) == (-3, 4), "that week began before 1970"
        return
    first_ms, end_ms = period_of(period, day * DAY_MS)
    assert span_of(period, day) == (first_ms // DAY_MS, end_ms // DAY_MS)


def test_weeks_begin_on_monday() -> None:
    sunday = datetime(2026, 11, 29, tzinfo=UTC)
    day = (sunday - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert span_of(Period.WEEK, day).end == day + 1
    assert span_of(Period.WEEK, day + 1).first == day + 1
    assert (sunday + timedelta(days=1)).weekday() == 0


def test_all_time_never_ends() -> None:
    assert span_of(Period.TOTAL, 20_000) == ALL_TIME
