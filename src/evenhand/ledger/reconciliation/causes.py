"""What a difference between ledger and engine is put down to: each cause takes no more than it can have
been."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from evenhand.ledger.reconciliation.interval import Interval
from evenhand.ledger.reconciliation.used import LedgerUse


class Cause(StrEnum):
    """What can make an engine count otherwise than the ledger."""

    CHOICES = "choices"
    """The engine counts a prompt once for each choice."""
    DIRECT = "direct"
    """Requests that did not come through the gateway."""
    RETRIED = "retried"
    """Attempts that failed at this engine, which may have worked on them, and were charged elsewhere."""
    ABORTED = "aborted"
    """Requests that were not completed: the engine went on after we had left, or had not begun."""
    ESTIMATED = "estimated"
    """The engine did not report a usage, so that the gateway counted."""
    AWAY = "away"
    """No gateway was there."""
    RESTART = "restart"
    """The engine began anew: what it had counted since its last reading is lost."""
    IN_FLIGHT = "in_flight"
    """Requests that were there when the period began or ended."""
    UNEXPLAINED = "unexplained"


class Side(StrEnum):
    """Of what tokens."""

    INPUT = "input"
    OUTPUT = "output"


class Explained(NamedTuple):
    """`engine` is what it counted, `ledger` what was charged; the causes sum to the difference."""

    engine: int
    ledger: int
    causes: Mapping[Cause, int]


_NO_LIMIT = 1 << 62


def explain(interval: Interval, use: LedgerUse, side: Side) -> Explained:
    """Of one interval and the ledger's rows of just that time."""
    is_input = side is Side.INPUT
    engine = interval.input_tokens if is_input else interval.output_tokens
    ledger = use.input_tokens if is_input else use.output_tokens
    left = engine - ledger
    causes: dict[Cause, int] = {}
    for cause, least, most in _bounds(interval, use, is_input=is_input):
        part = min(max(left, least), most)
        if part:
            causes[cause] = causes.get(cause, 0) + part
            left -= part
    if left:
        causes[Cause.UNEXPLAINED] = left
    return Explained(engine, ledger, causes)


def _bounds(interval: Interval, use: LedgerUse, *, is_input: bool) -> list[tuple[Cause, int, int]]:
    """The least and the most that each cause can have added to the engine's side, the surest first."""
    sums = interval.sums
    foreign = _NO_LIMIT if sums.foreign_readings else 0
    away = _NO_LIMIT if interval.away_ms else 0
    restart = _NO_LIMIT if interval.restarts else 0
    if is_input:
        surplus, direct, opened = sums.surplus_input, sums.direct_input, interval.open_input
        own = [
            (Cause.CHOICES, surplus, surplus),
            (Cause.DIRECT, direct, direct),
            (Cause.RETRIED, 0, sums.retried_input_most),
            (Cause.ABORTED, -sums.left_input, sums.left_input_most),
            (Cause.ESTIMATED, -use.estimated_input, use.estimated_input),
        ]
    else:
        direct, opened = sums.direct_output, interval.open_output_most
        own = [
            (Cause.DIRECT, direct, direct),
            (Cause.RETRIED, 0, sums.retried_output_most),
            (Cause.ABORTED, 0, sums.left_output_most),
            (Cause.ESTIMATED, -use.estimated_output, use.estimated_output),
        ]
    return [
        *own,
        (Cause.DIRECT, 0, foreign),
        (Cause.AWAY, -away, away),
        (Cause.RESTART, -restart, restart),
        (Cause.IN_FLIGHT, -opened, opened),
    ]
