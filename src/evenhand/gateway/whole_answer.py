"""An answer that is not streamed: collected within a limit, because its usage stands at the end."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from evenhand.model import Outcome, Usage
from evenhand.scheduling.cost.weights import INPUT_BYTES_PER_TOKEN_PRIOR
from evenhand.wire.engine_error import engine_message, is_openai_error
from evenhand.wire.error import error_body
from evenhand.wire.usage import cached_tokens_reported, usage_from
from evenhand.wire.vectors import without_vectors

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


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


def answer_usage(document: Mapping[str, Any], input_tokens_estimate: int) -> Usage:
    """The usage of a complete answer. Output is counted from its text, and marked, where the engine
    gave no figure or none at all for text that is there."""
    usage = usage_from(document.get("usage"))
    if usage is not None and usage.output_tokens:
        return usage
    choices = document.get("choices")
    texts = (text for choice in _list(choices) for text in _texts(choice))
    text_bytes = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    output_tokens = -(-text_bytes // INPUT_BYTES_PER_TOKEN_PRIOR)
    if usage is None:
        return Usage(input_tokens_estimate, output_tokens, is_estimate=True)
    if not output_tokens:
        return usage
    return Usage(usage.input_tokens, output_tokens, usage.cached_input_tokens, is_estimate=True)


def prompt_counted(document: Mapping[str, Any]) -> tuple[int, int | None] | None:
    """How many tokens the engine says the prompt has, and how many of them were cached."""
    usage = usage_from(document.get("usage"))
    if usage is None:
        return None
    cached = cached_tokens_reported(document["usage"])
    return usage.input_tokens, cached if cached is None else min(cached, usage.input_tokens)


def _texts(choice: object) -> Iterator[str]:
    """All that the model wrote for one choice."""
    if not isinstance(choice, dict):
        return
    message = choice.get("message")
    said = [choice.get("text")]
    if isinstance(message, dict):
        said += [message.get(name) for name in _TEXTS]
        for tool_call in _list(message.get("tool_calls")):
            function = tool_call.get("function") if isinstance(tool_call, dict) else None
            said.append(function.get("arguments") if isinstance(function, dict) else None)
    yield from (text for text in said if isinstance(text, str))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
