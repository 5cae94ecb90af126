"""The log of Evenhand's own gateway, as far as it tells what an engine did."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NonNegativeFloat

from evenhand.sim.engine_log.timestamps import Timestamps


class GatewayLine(BaseModel):
    """One ended request, see `telemetry.record`; written when it ended, at `time`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    event: Literal["request"]
    time: AwareDatetime
    request_id: str
    outcome: str
    engine: str | None
    input_tokens: int = Field(ge=0)
    cached_input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    queue_wait_ms: NonNegativeFloat | None
    ttft_ms: NonNegativeFloat | None
    duration_ms: NonNegativeFloat
    dispatches: int = Field(ge=0)


def is_request(line: Mapping[str, object]) -> bool:
    """Rather than an operational event."""
    return line.get("event") == "request"


def why_left_out(line: GatewayLine) -> str | None:
    """In words: a request that cannot be compared, as its times at the engine are not known."""
    if line.engine is None:
        return "never reached an engine"
    if line.outcome != "completed":
        return "did not complete"
    if line.dispatches != 1:
        return "were sent twice"
    if line.ttft_ms is None or line.queue_wait_ms is None:
        return "were not streamed"
    if not line.input_tokens or not line.output_tokens:
        return "have no tokens"
    return None


def timestamps(line: GatewayLine, epoch: datetime) -> Timestamps:
    """Of a request that is not left out: it came to its engine when it had waited."""
    assert line.ttft_ms is not None
    assert line.queue_wait_ms is not None
    ended_ms = (line.time - epoch).total_seconds() * 1000
    begun_ms = ended_ms - line.duration_ms
    return Timestamps(
        request_id=line.request_id,
        input_tokens=line.input_tokens,
        output_tokens=line.output_tokens,
        arrived_ms=begun_ms + line.queue_wait_ms,
        scheduled_ms=None,
        first_token_ms=begun_ms + max(line.ttft_ms, line.queue_wait_ms),
        ended_ms=ended_ms,
    )
