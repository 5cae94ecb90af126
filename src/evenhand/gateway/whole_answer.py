"""An answer that is not streamed: collected within a limit, because its usage stands at the end."""

from collections.abc import Mapping
from typing import Any

import orjson

from evenhand.model import Usage
from evenhand.scheduling.cost import INPUT_BYTES_PER_TOKEN_PRIOR
from evenhand.wire.usage import usage_from


class AnswerTooLong(Exception):  # noqa: N818 - it names what happened
    """The answer exceeds `answer_bytes_max`."""


class WholeAnswer:
    """The bytes of one answer with the engine's status."""

    def __init__(self, status: int, *, answer_bytes_max: int) -> None:
        self.status = status
        self._answer_bytes_max = answer_bytes_max
        self._pieces: list[bytes] = []
        self._bytes = 0

    def feed(self, data: bytes) -> None:
        """Take a piece in. Raises AnswerTooLong."""
        self._bytes += len(data)
        if self._bytes > self._answer_bytes_max:
            raise AnswerTooLong
        self._pieces.append(data)

    def body(self) -> bytes:
        return b"".join(self._pieces)

    def document(self) -> Mapping[str, Any] | None:
        """The body as a JSON object; None if it is none."""
        try:
            document = orjson.loads(self.body())
        except orjson.JSONDecodeError:
            return None
        return document if isinstance(document, dict) else None


def answer_usage(document: Mapping[str, Any], input_tokens_estimate: int) -> Usage:
    """The usage of a complete answer; counted from its text, and marked, if the engine gave none."""
    usage = usage_from(document.get("usage"))
    if usage is not None:
        return usage
    text_bytes = sum(len(_text(choice)) for choice in document.get("choices") or [])
    output_tokens = -(-text_bytes // INPUT_BYTES_PER_TOKEN_PRIOR)
    return Usage(input_tokens_estimate, output_tokens, is_estimate=True)


def _text(choice: object) -> bytes:
    if not isinstance(choice, dict):
        return b""
    return orjson.dumps(choice.get("message") or choice.get("text") or "")
