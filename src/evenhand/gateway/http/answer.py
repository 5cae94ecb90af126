"""One request's answer: the `Response` that handlers write to."""

from enum import Enum
from typing import Protocol

from evenhand.gateway.http.contract import Headers
from evenhand.gateway.http.framing import BODILESS, LAST_CHUNK, answer_head, chunk


class Carrier(Protocol):
    """What an answer needs of its connection."""

    def must_close(self) -> bool:
        """Say whether the connection cannot serve another request after this answer."""

    def write(self, data: bytes) -> None:
        """Write bytes of the answer, however many."""

    def write_bounded(self, data: bytes) -> None:
        """Write a piece; cut the connection if too much waits for the client already."""

    def begun(self) -> None:
        """A streamed answer has begun: a refusal can no longer replace it."""

    def finished(self, *, close: bool) -> None:
        """The answer is complete."""

    def cut(self) -> None:
        """End the connection at once."""

    def buffered_bytes(self) -> int:
        """Bytes written and not yet taken by the kernel."""


class State(Enum):
    """How far an answer is."""

    OPEN = 0
    STREAMING = 1
    FINISHED = 2
    GONE = 3


class Answer:
    """The answer to one request; see `contract.Response`."""

    __slots__ = ("_bodiless", "_carrier", "_closes", "state")

    def __init__(self, carrier: Carrier, *, head_only: bool) -> None:
        self._carrier = carrier
        self._bodiless = head_only
        self._closes = False
        self.state = State.OPEN

    def send(self, status: int, headers: Headers, body: bytes, *, close: bool = False) -> None:
        """See `Response.send`."""
        if self.state is State.GONE:
            return
        assert self.state is State.OPEN, "one answer per request: send once, and not after start"
        carrier = self._carrier
        closes = close or carrier.must_close()
        head = answer_head(status, headers, length=len(body), closes=closes)
        self.state = State.FINISHED
        carrier.write(head if self._bodiless or status in BODILESS else head + body)
        carrier.finished(close=closes)

    def start(self, status: int, headers: Headers) -> None:
        """See `Response.start`."""
        if self.state is State.GONE:
            return
        assert self.state is State.OPEN, "one answer per request: start once, and not after send"
        self._closes = self._carrier.must_close()
        head = answer_head(status, headers, length=None, closes=self._closes)
        self._bodiless = self._bodiless or status in BODILESS
        self.state = State.STREAMING
        self._carrier.begun()
        self._carrier.write(head)

    def write(self, data: bytes) -> None:
        """See `Response.write`."""
        if self.state is State.GONE:
            return
        assert self.state is State.STREAMING, "write comes after start and before finish"
        if data and not self._bodiless:
            self._carrier.write_bounded(chunk(data))

    def finish(self) -> None:
        """See `Response.finish`."""
        if self.state is State.GONE:
            return
        assert self.state is State.STREAMING, "finish comes after start, once"
        self.state = State.FINISHED
        if not self._bodiless:
            self._carrier.write(LAST_CHUNK)
        self._carrier.finished(close=self._closes)

    def abort(self) -> None:
        """See `Response.abort`."""
        if self.state is State.GONE:
            return
        assert self.state is not State.FINISHED, "an answer that is complete cannot be aborted"
        self.state = State.FINISHED
        self._carrier.cut()

    def buffered_bytes(self) -> int:
        """See `Response.buffered_bytes`."""
        return 0 if self.state is State.GONE else self._carrier.buffered_bytes()
