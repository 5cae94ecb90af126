"""What the requests of one UTC day have posted to a consumer's account."""

from dataclasses import dataclass

DAY_MS = 86_400_000

DAYS_KEPT = 37
"""Days that are remembered: a month or a week goes back no further."""


@dataclass(slots=True, eq=False)
class DaySum:
    """`day` is when the requests were held, counted from 1970; when they were settled is no matter.
    `is_moved`: since the last batch."""

    account: int
    day: int
    posted_tokens: int = 0
    posted_nano: int = 0
    is_moved: bool = False
