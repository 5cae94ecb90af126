"""An answer that is not streamed: collected within a limit, because its usage stands at the end."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from evenhand.model import Outcome, Usage
from evenhand.scheduling.cost.weights import INPUT_BYTES_PER_TOKEN_PRIOR
from evenhand.wire.engine_error import engine_message, is_openai_error
from evenhand.wire.error import error_body
from evenhand.wire.usage import UsageReport
from evenhand.wire.vectors import without_vectors


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
        """The body as a JSON object, if need be without its embeddings; None if it is none."""
        body = self.body()
        document = _loads(without_vectors(body)) or _loads(body)
        return document if isinstance(document, dict) else None

    def refusal(self) -> bytes:
        """The body of an answer that finds fault with the request: the engine's own where the SDKs
        can read it, else its message in OpenAI's shape."""
        document = self.document()
        if is_openai_error(document):
            return self.body()
        message = engine_message(document) or (
            "The engine refused this request without saying why. Check its parameters."
        )
        return error_body(Outcome.REFUSED_BY_ENGINE, message)


def _loads(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None  # not JSON: the caller says what follows from that


def answer_usage(
    report: UsageReport | None, texts: Iterable[str], input_tokens_estimate: int
) -> Usage:
    """The usage of a complete answer, by what its engine reports. Output is counted from its `texts`,
    and marked, where the engine gave no figure or none at all for text that is there."""
    usage = None if report is None else report.usage
    if usage is not None and usage.output_tokens:
        return usage
    text_bytes = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    output_tokens = -(-text_bytes // INPUT_BYTES_PER_TOKEN_PRIOR)
    if usage is None:
        return Usage(input_tokens_estimate, output_tokens, is_estimate=True)
    if not output_tokens:
        return usage
    return replace(usage, output_tokens=output_tokens, is_estimate=True)
