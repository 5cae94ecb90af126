"""Error answers are what the OpenAI SDKs expect."""

import json

import pytest

from evenhand.model.outcome import ENDINGS, Outcome
from evenhand.wire.error import error_body, error_headers


@pytest.mark.parametrize("outcome", Outcome)
def test_body_carries_type_and_code_of_the_outcome(outcome: Outcome) -> None:
    body = json.loads(error_body(outcome, 'Say "please", ünd wait.', "model"))
    assert body == {
        "error": {
            "message": 'Say "please", ünd wait.',
            "type": ENDINGS[outcome].error_type,
            "param": "model",
            "code": ENDINGS[outcome].code,
        }
    }
    assert json.loads(error_body(outcome, "x"))["error"]["param"] is None


@pytest.mark.parametrize("outcome", Outcome)
def test_retry_advice_is_given_where_the_outcome_decides_it(outcome: Outcome) -> None:
    advice = {True: "true", False: "false", None: None}[ENDINGS[outcome].retry]
    assert dict(error_headers(outcome)).get("x-should-retry") == advice
    assert "retry-after" not in dict(error_headers(outcome))


@pytest.mark.parametrize(
    ("wait_ms", "seconds"), [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)]
)
def test_wait_is_given_exactly_and_in_whole_seconds_rounded_up(wait_ms: int, seconds: int) -> None:
    headers = dict(error_headers(Outcome.SHED, wait_ms))
    assert headers["retry-after"] == str(seconds)
    assert headers["retry-after-ms"] == str(wait_ms)
