"""How errors look to the clients of an API."""

from typing import Protocol

import orjson

from evenhand.model import ENDINGS, Outcome
from evenhand.wire.anthropic_error import anthropic_error, anthropic_status
from evenhand.wire.engine_error import engine_message
from evenhand.wire.error import error_body, error_object
from evenhand.wire.sse import event, named_event


class Errors(Protocol):
    """One shape of errors."""

    def status(self, outcome: Outcome) -> int:
        """The HTTP status of an outcome."""

    def ids(self, request_id: str) -> tuple[tuple[str, str], ...]:
        """The headers by which the client can name its request."""

    def body(self, outcome: Outcome, message: str, param: str | None, request_id: str) -> bytes:
        """An error that is the whole answer. `param` names the member of the body at fault."""

    def of_engine(self, status: int, body: bytes, request_id: str) -> bytes:
        """The same for what the engine has said; `body` is in OpenAI's shape, or its own."""

    def event(self, outcome: Outcome, message: str, request_id: str) -> bytes:
        """An error in the middle of a stream: its last event."""


class OpenAIErrors:
    """`{"error": {"message", "type", "param", "code"}}`."""

    def status(self, outcome: Outcome) -> int:
        return ENDINGS[outcome].status

    def ids(self, request_id: str) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", request_id),)

    def body(self, outcome: Outcome, message: str, param: str | None, request_id: str) -> bytes:
        del request_id  # a header has it
        return error_body(outcome, message, param)

    def of_engine(self, status: int, body: bytes, request_id: str) -> bytes:
        del status, request_id
        return body

    def event(self, outcome: Outcome, message: str, request_id: str) -> bytes:
        return event(self.body(outcome, message, None, request_id))


class ResponsesErrors(OpenAIErrors):
    """The same, but for events: these are `error` events, with the same object beside what such an event
    has of its own. The official clients raise an exception for that object alone."""

    def event(self, outcome: Outcome, message: str, request_id: str) -> bytes:
        del request_id
        error = error_object(outcome, message)
        told = {"type": "error", "code": error["code"], "message": message, "param": None}
        return named_event("error", orjson.dumps({**told, "error": error}))


class AnthropicErrors:
    """`{"type": "error", "error": {"type", "message"}, "request_id"}`; 529 where others say 503."""

    def status(self, outcome: Outcome) -> int:
        return anthropic_status(outcome)

    def ids(self, request_id: str) -> tuple[tuple[str, str], ...]:
        return (("request-id", request_id), ("x-request-id", request_id))

    def body(self, outcome: Outcome, message: str, param: str | None, request_id: str) -> bytes:
        said = message if param is None else f"{param}: {message}"
        code = ENDINGS[outcome].code
        return anthropic_error(anthropic_status(outcome), said, request_id, code)

    def of_engine(self, status: int, body: bytes, request_id: str) -> bytes:
        try:
            message = engine_message(orjson.loads(body))
        except orjson.JSONDecodeError:
            message = None  # not JSON: it says nothing that could be passed on
        message = message or "The engine refused this request without saying why."
        return anthropic_error(status, message, request_id)

    def event(self, outcome: Outcome, message: str, request_id: str) -> bytes:
        return named_event("error", self.body(outcome, message, None, request_id))
