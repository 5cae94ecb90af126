"""One client connection: requests in, answers out, in order, within limits."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from evenhand.gateway.http.answer import Answer, State
from evenhand.gateway.http.contract import Application, Handler, RequestHead
from evenhand.gateway.http.deadline import Deadline
from evenhand.gateway.http.framing import CONTINUE, refusal_answer
from evenhand.gateway.http.outlet import Outlet
from evenhand.gateway.http.phase import Phase
from evenhand.gateway.http.reader import RequestReader
from evenhand.gateway.http.refusal import RefusalError
from evenhand.gateway.http.settings import EdgeSettings
from evenhand.model.outcome import Outcome

# The phases of each request, without a look into the class.
_HEAD, _BODY, _ANSWER = Phase.HEAD, Phase.BODY, Phase.ANSWER
# How long a client may take to read its last answer and close, before the connection is cut.
LINGER_MS = 1_000


class Door(Protocol):
    """What a connection needs of the listener it came through."""

    settings: EdgeSettings
    application: Application
    loop: asyncio.AbstractEventLoop
    on_refused: Callable[[Outcome], None]
    draining: bool

    def enter(self, connection: "Connection") -> bool:
        """Count the connection in; False if there is no room and it must be turned away."""

    def leave(self, connection: "Connection") -> None:
        """Count the connection out."""


class Connection(asyncio.Protocol):
    """See the module. Reading never pauses, so that a client's leaving is noticed at once."""

    _outlet: Outlet

    def __init__(self, door: Door) -> None:
        self._door = door
        self._reader = RequestReader(door.settings)
        self._read_deadline = Deadline(door.loop, self._read_expired)
        self._idle_timeout_ms = door.settings.idle_timeout_ms
        self._phase = _HEAD
        self._answer: Answer | None = None
        self._handler: Handler | None = None
        self._head_awaited = True
        self._is_last = False
        """Another request cannot follow: the client closes, or this one's body is not read."""
        self._discarded_bytes = 0

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        door = self._door
        stream = cast("asyncio.Transport", transport)
        self._outlet = Outlet(stream, door.loop, door.settings, self._cut_slow)
        if door.enter(self):
            self._read_deadline.set(door.settings.head_timeout_ms)
        else:
            self._refuse(Outcome.TOO_MANY_CONNECTIONS, "Try again shortly, or reuse connections.")

    def data_received(self, data: bytes) -> None:
        phase = self._phase
        if phase is _HEAD or phase is _BODY:
            self._reader.held += data
            self._advance()
        elif phase is _ANSWER:
            self._reader.held += data
            if len(self._reader.held) > self._door.settings.held_bytes_max:
                self.cut()
        else:
            self._discarded_bytes += len(data)
            if self._discarded_bytes > self._door.settings.held_bytes_max:
                self.cut()

    def eof_received(self) -> None:
        if self._answer is not None:
            self.cut()
        elif self._phase is _HEAD:
            # What was answered before may still be on its way to the client.
            self._linger()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # a reset and a clean end mean the same here: the client left
        self._door.leave(self)
        self.cut()

    def pause_writing(self) -> None:
        self._outlet.paused()
        # `send` may fill the buffer; there is no more to hold back then.
        if self._handler is not None and self._unfinished():
            self._handler.client_slow()

    def resume_writing(self) -> None:
        self._outlet.resumed()
        if self._phase is Phase.LINGER:
            self._read_deadline.set(LINGER_MS)
        if self._handler is not None:
            self._handler.client_ready()

    # What the edge calls.

    def close_if_idle(self) -> None:
        """Close, if no byte of a request is here and no answer is open."""
        if self._phase is _HEAD and not self._reader.held:
            self._linger()

    def abort(self) -> bool:
        """End at once; say whether an answer was unfinished or undelivered."""
        if self._phase is Phase.CLOSED:
            return False
        undelivered = self._answer is not None or self._outlet.buffered_bytes() > 0
        self.cut()
        return undelivered

    # What the answer calls.

    def must_close(self) -> bool:
        """See `Carrier.must_close`."""
        return self._is_last or self._phase is _BODY or self._door.draining

    def begun(self) -> None:
        """See `Carrier.begun`."""
        if self._phase is _BODY:
            self._phase = _ANSWER
            self._is_last = True
            self._read_deadline.clear()

    def finished(self, *, close: bool) -> None:
        """See `Carrier.finished`."""
        self._answer = self._handler = None
        if close:
            self._linger()
            return
        self._phase = _HEAD
        self._head_awaited = False
        self._read_deadline.set(self._idle_timeout_ms)
        if self._reader.held:
            # Not from within the handler's own call, and never deeper for more requests.
            self._door.loop.call_soon(self._advance)

    def cut(self) -> None:
        """See `Carrier.cut`. An open answer's handler is told."""
        self._cut(None)

    def _cut(self, why: Outcome | None) -> None:
        if self._phase is not Phase.CLOSED:
            self._phase = Phase.CLOSED
            self._reader = RequestReader(self._door.settings)
            self._read_deadline.stop()
            self._outlet.abort()
        self._forsake(why)

    # Reading.

    def _advance(self) -> None:
        try:
            if self._phase is _HEAD:
                head = self._reader.head()
                if head is not None:
                    self._open(head)
                elif not self._head_awaited:
                    self._head_awaited = True
                    self._read_deadline.set(self._door.settings.head_timeout_ms)
            elif self._phase is _BODY:
                body = self._reader.body()
                if body is not None:
                    self._read_deadline.clear()
                    handler, answer = self._handler, self._answer
                    assert handler is not None
                    assert answer is not None
                    self._deliver(handler, answer, body)
        except RefusalError as refusal:
            self._refuse(refusal.outcome, str(refusal))

    def _open(self, head: RequestHead) -> None:
        """Give the request to the application, and its body, if that is here already."""
        outlet = self._outlet
        self._answer = answer = Answer(self, outlet, head_only=head.method == "HEAD")
        self._is_last = head.closes
        has_body = head.is_chunked or head.content_length
        self._phase = _BODY if has_body else _ANSWER
        self._read_deadline.clear()
        try:
            handler = self._door.application.request(head, answer)
            assert handler is not None or answer.state is not State.OPEN, "None means answered"
        except Exception as error:  # noqa: BLE001 - reported, and the client gets its ending
            self._fail(answer, error)
            return
        if handler is None or self._answer is not answer:
            return
        self._handler = handler
        if outlet.slow:
            handler.client_slow()
        if answer.state is not State.OPEN:
            return
        body = self._reader.body() if has_body else b""
        if body is not None:
            self._deliver(handler, answer, body)
            return
        if head.expects_continue and not self._reader.held:
            outlet.write(CONTINUE)
        self._read_deadline.set(self._door.settings.body_timeout_ms)

    def _deliver(self, handler: Handler, answer: Answer, body: bytes) -> None:
        self._phase = _ANSWER
        try:
            handler.body(body)
        except Exception as error:  # noqa: BLE001 - reported, and the client gets its ending
            self._fail(answer, error)

    def _unfinished(self) -> bool:
        return self._answer is not None and self._answer.state is not State.FINISHED

    # Endings.

    def _fail(self, answer: Answer, error: Exception) -> None:
        self._door.loop.call_exception_handler(
            {"message": "A request's handler failed", "exception": error, "protocol": self}
        )
        if self._answer is answer:
            self._refuse(Outcome.INTERNAL_ERROR, "The gateway failed: tell its operator.")

    def _refuse(self, outcome: Outcome, message: str) -> None:
        """Answer in the application's stead and close; cut, if an answer has begun."""
        if self._answer is not None and self._answer.state is not State.OPEN:
            self.cut()
            return
        has_owner = self._forsake(outcome)
        self._outlet.write(refusal_answer(outcome, message))
        self._linger()
        if not has_owner:
            self._door.on_refused(outcome)

    def _forsake(self, why: Outcome | None) -> bool:
        """Tell the handler of an unfinished answer that there is nobody left to answer. False: there
        was none to tell."""
        answer, handler = self._answer, self._handler
        self._answer = self._handler = None
        if answer is None or answer.state is State.FINISHED:
            return False
        answer.state = State.GONE
        if handler is None:
            return False
        handler.gone(why)
        return True

    def _linger(self) -> None:
        """Close so that the client can read its last answer: FIN after the last byte, no RST."""
        self._phase = Phase.LINGER
        self._reader = RequestReader(self._door.settings)
        self._read_deadline.clear()
        if self._outlet.finish():
            self._read_deadline.set(LINGER_MS)

    def _read_expired(self) -> None:
        settings = self._door.settings
        if self._phase is Phase.LINGER:
            self.cut()
        elif self._phase is _BODY:
            seconds = settings.body_timeout_ms / 1000
            self._refuse(Outcome.SLOW_SENDER, f"Send the whole body within {seconds:g} s.")
        elif self._head_awaited:
            seconds = settings.head_timeout_ms / 1000
            self._refuse(Outcome.SLOW_SENDER, f"Send the whole head within {seconds:g} s.")
        else:
            self._linger()

    def _cut_slow(self) -> None:
        self._cut(Outcome.SLOW_READER)
