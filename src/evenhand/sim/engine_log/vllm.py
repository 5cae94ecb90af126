"""Timestamps that a vLLM engine keeps of its requests, as one JSON object for each.

`arrival_time` is by the clock of the clients, the other times are by the engine's.
"""

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from evenhand.sim.engine_log.timestamps import Timestamps

_CLOCKS = ("arrival_time", "queued_ts")


class VllmLine(BaseModel):
    """One request; times in seconds."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    request_id: str | int = ""
    input_toks: int = Field(ge=1)
    output_toks: int = Field(ge=1)
    arrival_time: FiniteFloat | None = None
    queued_ts: FiniteFloat | None = None
    scheduled_ts: FiniteFloat | None = None
    first_token_ts: FiniteFloat
    last_token_ts: FiniteFloat

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.arrival_time is None and self.queued_ts is None:
            raise ValueError("it has neither arrival_time nor queued_ts")
        times = (self.queued_ts, self.scheduled_ts, self.first_token_ts, self.last_token_ts)
        known = [at_s for at_s in times if at_s is not None]
        if known != sorted(known):
            raise ValueError("its times are not in the order queued, scheduled, first, last token")
        return self


def timestamps(lines: Sequence[VllmLine]) -> list[Timestamps]:
    """On the engine's clock. Where a log has both clocks, they are set as far apart as the request says
    that was queued soonest. ValueError: some requests lack a time that others have."""
    for name in _CLOCKS:
        if len({getattr(line, name) is None for line in lines}) > 1:
            raise ValueError(f"some requests have {name} and others do not")
    apart_s = [
        line.queued_ts - line.arrival_time
        for line in lines
        if line.queued_ts is not None and line.arrival_time is not None
    ]
    between_s = min(apart_s, default=0.0)
    return [_one(line, number, between_s) for number, line in enumerate(lines)]


def _one(line: VllmLine, number: int, between_s: float) -> Timestamps:
    if line.arrival_time is not None:
        arrived_s = line.arrival_time + between_s
    else:
        assert line.queued_ts is not None
        arrived_s = line.queued_ts
    return Timestamps(
        request_id=str(line.request_id or number),
        input_tokens=line.input_toks,
        output_tokens=line.output_toks,
        arrived_ms=1000 * arrived_s,
        scheduled_ms=None if line.scheduled_ts is None else 1000 * line.scheduled_ts,
        first_token_ms=1000 * line.first_token_ts,
        ended_ms=1000 * line.last_token_ts,
    )
