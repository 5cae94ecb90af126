"""One ended request, as the log line and the metrics see it."""

from typing import TypedDict

from evenhand.model import (
    ApplicationName,
    EngineName,
    InteractionId,
    LaneName,
    ModelName,
    Outcome,
    RequestId,
    TenantPath,
)


class RequestRecord(TypedDict):
    """Made once per request, at its end, and never changed: a dictionary, because it becomes a line of
    the log as it is. It has no field for text of a prompt or an answer, nor for a key: what is not here
    cannot leak. `path` is one of those that the gateway serves.

    None stands for what never came about: no tenant (not authenticated), no model (body not read),
    no engine and no wait (never dispatched), no `ttft_ms` (no token came). Durations are
    milliseconds; `duration_ms` and `ttft_ms` count from the request's arrival. `input_tokens`
    includes `cached_input_tokens`, and `output_tokens` the `reasoning_tokens`. `units` is what was
    charged in the end. `dispatches` is how often it was sent to an engine. `is_over_budget`: a soft
    budget was used up, so it took the lowest lane.
    """

    request_id: RequestId
    interaction: InteractionId
    path: str
    tenant: TenantPath | None
    application: ApplicationName
    lane: LaneName
    model: ModelName | None
    engine: EngineName | None
    outcome: Outcome
    status: int
    is_stream: bool
    queue_wait_ms: float | None
    ttft_ms: float | None
    duration_ms: float
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    usage_is_estimate: bool
    units: int
    dispatches: int
    bytes_in: int
    is_over_budget: bool
