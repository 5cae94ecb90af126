"""Logs are read as they are meant, and what is wrong in them is told with its line."""

import json
from pathlib import Path
from typing import Any

import pytest

from evenhand.sim.engine_log.file import read_log
from evenhand.sim.engine_log.replay import replay
from evenhand.sim.engine_log.timestamps import as_asks
from evenhand.sim.profile import load_profile

VLLM: dict[str, Any] = {
    "request_id": "a",
    "input_toks": 10,
    "output_toks": 3,
    "arrival_time": 1000.0,
    "queued_ts": 50.25,
    "scheduled_ts": 50.5,
    "first_token_ts": 51.0,
    "last_token_ts": 53.0,
}
GATEWAY: dict[str, Any] = {
    "time": "2026-11-26T10:00:10.500Z",
    "event": "request",
    "request_id": "a",
    "outcome": "completed",
    "engine": "one",
    "input_tokens": 10,
    "cached_input_tokens": 0,
    "output_tokens": 3,
    "queue_wait_ms": 500,
    "ttft_ms": 700.5,
    "duration_ms": 2500,
    "dispatches": 1,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def write(file: Path, *lines: dict[str, Any] | str) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("\n".join(texts) + "\n")
    return file


def test_two_clocks_are_set_by_the_request_that_was_queued_soonest(file: Path) -> None:
    second = VLLM | {
        "request_id": "b",
        "arrival_time": 999.0,
        "queued_ts": 50.0,
        "scheduled_ts": 50.0,
    }
    log = read_log(write(file, VLLM, second))
    first, then = log.requests
    assert (first.request_id, first.arrived_ms) == ("b", 0)
    assert then.arrived_ms == pytest.approx(1000)
    # Its clients' 1000.0 are 50.25 by the engine's clock.
    assert then.scheduled_ms == pytest.approx(1250)
    assert then.first_token_ms == pytest.approx(1750)
    assert then.ended_ms == pytest.approx(3750)
    assert not log.remarks


def test_without_clients_clock_the_engines_counts(file: Path) -> None:
    line = {name: value for name, value in VLLM.items() if name != "arrival_time"}
    (only,) = read_log(write(file, line, "")).requests
    assert only.arrived_ms == 0
    assert only.first_token_ms == pytest.approx(750)
    (ask,) = as_asks([only])
    assert (ask.input_tokens, ask.output_tokens) == (10, 3)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "holds no request"),
        ([VLLM, "{"], "line 2 is no JSON object"),
        ([VLLM, "[1]"], "line 2 is no JSON object"),
        ([VLLM, VLLM | {"output_toks": 0}], "line 2: output_toks: "),
        ([VLLM | {"first_token_ts": None}], "line 1: first_token_ts: "),
        ([VLLM | {"last_token_ts": 50.75}], "line 1: .* order"),
        ([VLLM | {"arrival_time": None, "queued_ts": None}], "neither"),
        ([VLLM, VLLM | {"arrival_time": None}], "some requests have arrival_time"),
        ([{"event": "engine_up"}], "there are those of: none"),
        ([GATEWAY | {"duration_ms": -1}], "line 1: duration_ms: "),
        ([GATEWAY, GATEWAY | {"engine": "two"}], "there are those of: one, two"),
    ],
)
def test_faults_are_told(lines: list[dict[str, Any] | str], fault: str, file: Path) -> None:
    with pytest.raises(ValueError, match=fault) as raised:
        read_log(write(file, *lines))
    assert str(raised.value).startswith(str(file))


def test_a_gateways_request_comes_to_its_engine_when_it_has_waited(file: Path) -> None:
    earlier = GATEWAY | {"request_id": "b", "time": "2026-11-26T10:00:09.500Z", "queue_wait_ms": 0}
    log = read_log(write(file, {"event": "engine_up"}, GATEWAY, earlier))
    first, then = log.requests
    assert first.request_id == "b"
    assert (first.first_token_ms, first.ended_ms) == pytest.approx((700.5, 2500))
    assert then.arrived_ms == pytest.approx(1500)
    assert (then.first_token_ms, then.ended_ms) == pytest.approx((1700.5, 3500))


def test_what_a_gateway_cannot_tell_is_left_out_aloud(file: Path) -> None:
    log = read_log(
        write(
            file,
            GATEWAY | {"cached_input_tokens": 5},
            GATEWAY | {"outcome": "cancelled_running"},
            GATEWAY | {"engine": None, "outcome": "queue_full"},
            GATEWAY | {"ttft_ms": None},
            GATEWAY | {"dispatches": 2},
            GATEWAY | {"engine": "two"},
        ),
        "one",
    )
    assert len(log.requests) == 1
    told = " ".join(log.remarks)
    for words in (
        "did not complete",
        "never reached",
        "not streamed",
        "sent twice",
        "50% of the input",
    ):
        assert words in told


def test_a_request_that_can_never_fit_is_refused(file: Path) -> None:
    log = read_log(write(file, VLLM | {"input_toks": 40_000}))
    with pytest.raises(ValueError, match="request a has 40003 tokens, more than the 30000"):
        replay(log.requests, load_profile("l4-llama-3.1-8b"))
