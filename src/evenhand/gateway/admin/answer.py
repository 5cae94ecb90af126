"""Answers of the admin listener: JSON, never stored by anybody on the way."""

from collections.abc import Mapping
from typing import Final

import orjson
from starlette.responses import Response

from evenhand.model import ENDINGS, Outcome
from evenhand.wire.error import error_body, error_headers

NOT_STORED: Final = {"cache-control": "no-store"}


def json_answer(content: object, status: int = 200) -> Response:
    """Answer with `content` as JSON."""
    return Response(orjson.dumps(content), status, NOT_STORED, "application/json")


def error_answer(
    outcome: Outcome, message: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with an OpenAI error body; `message` says what to do."""
    every = NOT_STORED | dict(error_headers(outcome)) | dict(headers or {})
    return Response(error_body(outcome, message), ENDINGS[outcome].status, every)
