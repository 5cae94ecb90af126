"""Error answers in the shape the OpenAI SDKs read: one body, one set of retry headers."""

import json

from evenhand.model.outcome import ENDINGS, Outcome


def error_body(outcome: Outcome, message: str, param: str | None = None) -> bytes:
    """Return the JSON body for `outcome`: `{"error": {"message", "type", "param", "code"}}`.

    `message` says what to do about it; `param` names the field of the request that is at fault.
    """
    error = {"error": error_object(outcome, message, param)}
    return json.dumps(error, separators=(",", ":")).encode("ascii")


def error_object(outcome: Outcome, message: str, param: str | None = None) -> dict[str, str | None]:
    """What stands in it as `error`."""
    ending = ENDINGS[outcome]
    return {"message": message, "type": ending.error_type, "param": param, "code": ending.code}


def error_headers(outcome: Outcome, retry_after_ms: int | None = None) -> list[tuple[str, str]]:
    """Return content type and retry advice for `outcome`.

    `x-should-retry` where the outcome decides it; with a wait, `retry-after` in whole seconds
    (rounded up, never 0) and `retry-after-ms` exactly. A wait above 120 s makes the OpenAI SDKs
    give up at once, so the caller chooses it knowingly.
    """
    headers = [("content-type", "application/json")]
    retry = ENDINGS[outcome].retry
    if retry is not None:
        headers.append(("x-should-retry", "true" if retry else "false"))
    if retry_after_ms is not None:
        assert retry_after_ms >= 0, "a wait cannot be negative"
        seconds = max(1, -(-retry_after_ms // 1000))
        headers.append(("retry-after", str(seconds)))
        headers.append(("retry-after-ms", str(retry_after_ms)))
    return headers
