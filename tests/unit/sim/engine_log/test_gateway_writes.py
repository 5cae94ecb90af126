"""The line that the gateway writes is the line that calibration reads."""

from pathlib import Path

import pytest

from evenhand.model import (
    ApplicationName,
    EngineName,
    InteractionId,
    LaneName,
    ModelName,
    Outcome,
    RequestId,
)
from evenhand.sim.engine_log.file import read_log
from evenhand.telemetry import RequestLog, RequestRecord


def test_a_line_of_the_gateway_is_understood(tmp_path: Path) -> None:
    record = RequestRecord(
        request_id=RequestId("a"),
        interaction=InteractionId(""),
        path="/v1/chat/completions",
        tenant=("acme",),
        application=ApplicationName("bot"),
        lane=LaneName("default"),
        model=ModelName("m"),
        engine=EngineName("one"),
        outcome=Outcome.COMPLETED,
        status=200,
        is_stream=True,
        queue_wait_ms=20,
        ttft_ms=120.5,
        duration_ms=1120.5,
        input_tokens=100,
        cached_input_tokens=0,
        output_tokens=50,
        reasoning_tokens=0,
        usage_is_estimate=False,
        units=2000,
        dispatches=1,
        bytes_in=400,
        is_over_budget=False,
    )
    written: list[bytes] = []
    log = RequestLog(written.append, clock=lambda: 1_800_000_000.25)
    log.event("engine_up", engine="one")
    log.request(record)
    log.request({**record, "outcome": Outcome.CANCELLED_RUNNING})
    assert log.close()
    file = tmp_path / "gateway.jsonl"
    file.write_bytes(b"".join(written))
    (request,), remarks = read_log(file)
    assert (request.input_tokens, request.output_tokens) == (100, 50)
    assert request.first_token_ms - request.arrived_ms == pytest.approx(100.5)
    assert request.ended_ms - request.arrived_ms == pytest.approx(1100.5)
    assert remarks == ["1 requests did not complete: left out"]
