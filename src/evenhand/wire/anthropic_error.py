"""Error answers in the shape that Anthropic's SDKs read."""

import json
from collections.abc import Mapping
from typing import Final

from evenhand.model.outcome import ENDINGS, Outcome

OVERLOADED: Final = 529
"""What Anthropic answers where others say 503."""

_TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}


def anthropic_status(outcome: Outcome) -> int:
    """The HTTP status of an outcome there."""
    status = ENDINGS[outcome].status
    return OVERLOADED if status == 503 else status


def anthropic_error(status: int, message: str, request_id: str, code: str | None = None) -> bytes:
    """The body: `{"type": "error", "error": {"type", "message"}, "request_id"}`. `code` is what we call
    the reason, where it is ours."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    error: dict[str, object] = {"type": kind, "message": message}
    if code is not None:
        error["details"] = {"error_code": code}
    body = {"type": "error", "error": error, "request_id": request_id}
    return json.dumps(body, separators=(",", ":")).encode("ascii")
