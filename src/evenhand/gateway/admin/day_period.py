"""A period of whole UTC days, as a query names it."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class DayPeriod(BaseModel):
    """Half open; an end that is left out is open."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: Annotated[date | None, Field(alias="from")] = None
    """The first day, such as 2026-11-01, UTC."""
    end: Annotated[date | None, Field(alias="to")] = None
    """The day after the last, UTC."""

    @property
    def from_ms(self) -> int | None:
        return _ms(self.first)

    @property
    def to_ms(self) -> int | None:
        return _ms(self.end)


def _ms(day: date | None) -> int | None:
    if day is None:
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
