"""What a log says of one request."""

from collections.abc import Sequence
from typing import NamedTuple

from evenhand.workloads.ask import Ask

TENANT = ("log",)


class Timestamps(NamedTuple):
    """In milliseconds since the first request of the log came to its engine. `scheduled_ms` is when the
    engine took this one out of its queue, None if the log does not say."""

    request_id: str
    input_tokens: int
    output_tokens: int
    arrived_ms: float
    scheduled_ms: float | None
    first_token_ms: float
    ended_ms: float


def in_order(log: Sequence[Timestamps]) -> list[Timestamps]:
    """By arrival, with times since the first."""
    start_ms = min(each.arrived_ms for each in log)
    since = (
        each._replace(
            arrived_ms=each.arrived_ms - start_ms,
            scheduled_ms=None if each.scheduled_ms is None else each.scheduled_ms - start_ms,
            first_token_ms=each.first_token_ms - start_ms,
            ended_ms=each.ended_ms - start_ms,
        )
        for each in log
    )
    return sorted(since, key=lambda each: each.arrived_ms)


def as_asks(log: Sequence[Timestamps]) -> list[Ask]:
    """What was asked, when it arrived; the ids are positions in the log."""
    return [
        Ask(
            id=index,
            at_ms=each.arrived_ms,
            tenant=TENANT,
            input_tokens=each.input_tokens,
            output_tokens=each.output_tokens,
        )
        for index, each in enumerate(log)
    ]
