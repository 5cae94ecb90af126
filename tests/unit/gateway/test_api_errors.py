"""Every ending has a body, a status and a last event in the shape of each API."""

import json

import pytest

from evenhand.gateway.apis import APIS, COUNTING, errors_at
from evenhand.model import ENDINGS, Outcome
from evenhand.wire.sse import payload

ANTHROPIC = frozenset({"/v1/messages", "/v1/messages/count_tokens"})
TYPES = frozenset(
    {
        *("invalid_request_error", "authentication_error", "permission_error", "not_found_error"),
        *(
            "request_too_large",
            "rate_limit_error",
            "timeout_error",
            "api_error",
            "overloaded_error",
        ),
    }
)
REFUSALS = [outcome for outcome in Outcome if ENDINGS[outcome].code]


@pytest.mark.parametrize("path", [*APIS, COUNTING.path, "/nowhere"])
@pytest.mark.parametrize("outcome", REFUSALS)
def test_every_ending_in_every_shape(outcome: Outcome, path: str) -> None:
    errors, ending = errors_at(path), ENDINGS[outcome]
    body = json.loads(errors.body(outcome, 'Say "please", ünd wait.', "model", "req_1"))
    last = errors.event(outcome, "Say why.", "req_1")
    told = json.loads(payload(last) or b"")
    assert told["error"]["message"] == "Say why."
    if path not in ANTHROPIC:
        assert body["error"]["code"] == told["error"]["code"] == ending.code
        assert errors.status(outcome) == ending.status
        assert dict(errors.ids("req_1")) == {"x-request-id": "req_1"}
        assert last.startswith(b"event: error\n") is (path == "/v1/responses")
        return
    assert (body["type"], body["request_id"]) == ("error", "req_1")
    assert body["error"]["type"] in TYPES
    assert body["error"]["message"] == 'model: Say "please", ünd wait.'
    assert body["error"]["details"] == {"error_code": ending.code}
    assert errors.status(outcome) == (529 if ending.status == 503 else ending.status)
    assert last.startswith(b"event: error\n")
    assert dict(errors.ids("req_1"))["request-id"] == "req_1"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"too long","code":400}}', "too long"),
        (b'{"type":"error","error":{"type":"x","message":"too long"}}', "too long"),
        (b'{"detail":"too long"}', "too long"),
        (b"<html>", "The engine refused this request without saying why."),
        (b"", "The engine refused this request without saying why."),
    ],
)
def test_what_an_engine_says_is_put_into_anthropics_shape(body: bytes, message: str) -> None:
    told = json.loads(errors_at("/v1/messages").of_engine(422, body, "req_1"))
    assert told["error"] == {"type": "invalid_request_error", "message": message}
    assert errors_at("/v1/responses").of_engine(422, body, "req_1") == body
