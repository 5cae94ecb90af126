"""What the HTTP edge and the handlers of requests owe each other.

The edge owns bytes and sockets: it bounds, parses and refuses. A handler owns one request. All calls
happen on the event loop's thread; none of them blocks or awaits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from evenhand.model.outcome import Outcome

Headers = Sequence[tuple[str, str]]


@dataclass(slots=True)
class RequestHead:
    """A request line and headers that passed the edge's checks. Never changed: not frozen, because it
    is made for each request, and that costs twice as much.

    `path` is the target up to `?`, never decoded; `headers` has lower-case names, each once
    (a repeated header that matters is refused, others are joined with ", ").
    """

    method: str
    path: str
    headers: Mapping[str, str]
    content_length: int | None
    """None: chunked, or no body."""
    is_chunked: bool
    expects_continue: bool
    closes: bool
    """The client wants the connection closed after the answer."""


class Response(Protocol):
    """The answer to one request. Either `send` once, or `start`, any number of `write`, then
    `finish` or `abort` once. After `gone` was called on the handler every call is a no-op."""

    def send(self, status: int, headers: Headers, body: bytes, *, close: bool = False) -> None:
        """The whole answer. `close` ends the connection after it."""

    def start(self, status: int, headers: Headers) -> None:
        """Begin a streamed answer (chunked framing)."""

    def write(self, data: bytes) -> None:
        """One piece of a streamed answer. Never blocks; see `Handler.client_slow`."""

    def finish(self) -> None:
        """End a streamed answer properly."""

    def abort(self) -> None:
        """Cut the connection: the client sees a broken answer, never a complete one."""

    def buffered_bytes(self) -> int:
        """Bytes written and not yet taken by the kernel."""


class Handler(Protocol):
    """One request's owner. The edge calls `body` once (empty bytes if there is none), unless the
    handler has answered before or the request broke off; `gone` at most once, and only while the
    answer is unfinished."""

    def body(self, body: bytes) -> None:
        """The whole request body, within the limit."""

    def gone(self, why: Outcome | None) -> None:
        """Stop all work for it; nothing can be answered. `why` None: the client left. Else the edge
        has ended the request (nonsense in its body, a slow sender, a slow reader) and answered it
        where that was possible; counting that outcome is the handler's."""

    def client_slow(self) -> None:
        """The client reads slower than we write: stop producing until `client_ready`."""

    def client_ready(self) -> None:
        """The client has caught up."""


class Application(Protocol):
    """What the edge serves."""

    def request(self, head: RequestHead, response: Response) -> Handler | None:
        """Take a request whose head was read and whose body was not. None: already answered
        (a refusal that needs no body); the edge then closes the connection if a body was coming."""
