"""What the client of one call is told: an answer, a stream, or an error, always with the call's ids."""

from evenhand.gateway.admission import Refused
from evenhand.gateway.apis.errors import Errors
from evenhand.gateway.http.contract import Response
from evenhand.model import InteractionId, Outcome, RequestId
from evenhand.wire.error import error_headers

_JSON = ("content-type", "application/json")
_OVER_BUDGET = ("x-evenhand-budget", "soft-exceeded")
_EVENTS = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))


class ClientAnswer:
    """One answer: `send` or `refuse` once, or `stream` any number of times and then `finish` or
    `break_off` once. `abort` at any time. Every write may find the client gone."""

    def __init__(
        self,
        response: Response,
        request_id: RequestId,
        interaction: InteractionId,
        errors: Errors,
    ) -> None:
        """`errors` is how they look to this client."""
        self._response = response
        self._request_id = request_id
        self._errors = errors
        self._ids: tuple[tuple[str, str], ...] = (
            *errors.ids(request_id),
            ("x-evenhand-interaction", interaction),
        )
        self._is_over = False
        self.is_streaming = False
        """A streamed answer has begun: its status is told."""

    def tell_over_budget(self) -> None:
        """With whatever is told: a soft budget is exceeded, so it takes the lowest lane."""
        self._ids = (*self._ids, _OVER_BUDGET)

    def send(self, status: int, body: bytes, *more: tuple[str, str]) -> None:
        """The whole answer, as JSON."""
        self._is_over = True
        self._response.send(status, (_JSON, *self._ids, *more), body)

    def refuse(self, refused: Refused) -> None:
        """An error is the whole answer."""
        self._is_over = True
        headers = [*error_headers(refused.outcome, refused.retry_after_ms), *self._ids]
        errors, outcome = self._errors, refused.outcome
        body = errors.body(outcome, refused.message, refused.param, self._request_id)
        self._response.send(errors.status(outcome), headers, body)

    def refuse_for_engine(self, status: int, body: bytes) -> None:
        """The engine finds fault with the request: its words are the whole answer."""
        told = self._errors.of_engine(status, body, self._request_id)
        self.send(status, told, ("x-should-retry", "false"))

    def status(self, outcome: Outcome) -> int:
        """What the client is told, or would be, of an answer that ends so."""
        return 200 if self.is_streaming else self._errors.status(outcome)

    def stream(self, data: bytes) -> None:
        """A piece of a streamed answer."""
        if not self.is_streaming:
            self.is_streaming = True
            self._response.start(200, (*_EVENTS, *self._ids))
        self._response.write(data)

    def finish(self) -> None:
        """The streamed answer is complete."""
        self._is_over = True
        self._response.finish()

    def break_off(self, outcome: Outcome, message: str) -> None:
        """End a streamed answer with an error event: the client sees that it is not whole."""
        self._response.write(self._errors.event(outcome, message, self._request_id))
        self.finish()

    def abort(self) -> None:
        """Cut the connection, if the answer is unfinished."""
        if not self._is_over:
            self._is_over = True
            self._response.abort()
