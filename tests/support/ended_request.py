"""Records of ended requests."""

from typing import Any, cast

from evenhand.model import (
    ApplicationName,
    EngineName,
    InteractionId,
    LaneName,
    ModelName,
    Outcome,
    RequestId,
)
from evenhand.telemetry import RequestRecord


def ended_request(**changes: Any) -> RequestRecord:
    """One that was completed, but for the changes."""
    record: RequestRecord = {
        "request_id": RequestId("r1"),
        "interaction": InteractionId("i1"),
        "path": "/v1/chat/completions",
        "tenant": ("acme", "search"),
        "application": ApplicationName("chat"),
        "lane": LaneName("default"),
        "model": ModelName("m"),
        "engine": EngineName("e1"),
        "outcome": Outcome.COMPLETED,
        "status": 200,
        "is_stream": True,
        "queue_wait_ms": 12.0,
        "ttft_ms": 80.0,
        "duration_ms": 900.0,
        "input_tokens": 100,
        "cached_input_tokens": 40,
        "output_tokens": 30,
        "reasoning_tokens": 0,
        "usage_is_estimate": False,
        "units": 1240,
        "dispatches": 1,
        "bytes_in": 512,
        "is_over_budget": False,
    }
    return cast("RequestRecord", record | changes)
