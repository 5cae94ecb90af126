"""One request's answer: the `Response` that handlers write to."""

from enum import Enum
from typing import Protocol

from evenhand.gateway.http.contract import Headers
from evenhand.gateway.http.framing import BODILESS, LAST_CHUNK, answer_head
from evenhand.gateway.http.outlet import Outlet


class Carrier(Protocol):
    """What an answer needs of its connection."""

    def must_close(self) -> bool:
        """Say whether the connection cannot serve another request after this answer."""

    def begun(self) -> None:
        """A streamed answer has begun: a refusal can no longer replace it."""

    def finished(self, *, close: bool) -> None:
        """The answer is complete; `close`: it is the connection's last."""

    def cut(self) -> None:
        """End the connection at once."""


class State(Enum):
    """How far an answer is."""

    OPEN = 0
    STREAMING = 1
    BODILESS = 2
    """Streaming, and nothing may follow the head."""
    FINISHED = 3
    GONE = 4


# The states of each request, without a look into the class.
_OPEN, _STREAMING, _FINISHED = State.OPEN, State.STREAMING, State.FINISHED


class Answer:
    """The answer to one request; see `contract.Response`."""

    __slots__ = ("_carrier", "_closes", "_head_only", "_outlet", "state")

    def __init__(self, carrier: Carrier, outlet: Outlet, *, head_only: bool) -> None:
        self._carrier = carrier
        self._outlet = outlet
        self._head_only = head_only
        self.state = _OPEN

    def send(self, status: int, headers: Headers, body: bytes, *, close: bool = False) -> None:
        """See `Response.send`."""
        if self.state is not _OPEN:
            assert self.state is State.GONE, "one answer per request: send once, not after start"
            return
        carrier = self._carrier
        closes = close or carrier.must_close()
        head = answer_head(status, headers, length=len(body), closes=closes)
        self.state = _FINISHED
        self._outlet.write(head if self._head_only or status in BODILESS else head + body)
        carrier.finished(close=closes)

    def start(self, status: int, headers: Headers) -> None:
        """See `Response.start`."""
        if self.state is not _OPEN:
            assert self.state is State.GONE, "one answer per request: start once, not after send"
            return
        self._closes = self._carrier.must_close()
        head = answer_head(status, headers, length=None, closes=self._closes)
        is_bodiless = self._head_only or status in BODILESS
        self.state = State.BODILESS if is_bodiless else _STREAMING
        self._carrier.begun()
        self._outlet.write(head)

    def write(self, data: bytes) -> None:
        """See `Response.write`."""
        if self.state is not _STREAMING:
            told = "write comes after start and before finish"
            assert self.state is State.BODILESS or self.state is State.GONE, told
        elif data:  # nothing at all would be the last chunk
            self._outlet.write_bounded(b"%x\r\n%b\r\n" % (len(data), data))

    def finish(self) -> None:
        """See `Response.finish`."""
        if self.state is State.GONE:
            return
        if self.state is _STREAMING:
            self._outlet.write(LAST_CHUNK)
        else:
            assert self.state is State.BODILESS, "finish comes after start, once"
        self.state = _FINISHED
        # The house may be emptied since the answer began.
        self._carrier.finished(close=self._closes or self._carrier.must_close())

    def abort(self) -> None:
        """See `Response.abort`."""
        if self.state is State.GONE:
            return
        assert self.state is not State.FINISHED, "an answer that is complete cannot be aborted"
        self.state = _FINISHED
        self._carrier.cut()

    def buffered_bytes(self) -> int:
        """See `Response.buffered_bytes`."""
        return 0 if self.state is State.GONE else self._outlet.buffered_bytes()
