"""One socket to an engine; it carries one request at a time."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from evenhand.engines.http.answer_reader import AnswerReader
from evenhand.engines.http.contract import AnswerListener, Lost
from evenhand.engines.http.settings import ClientSettings
from evenhand.engines.http.silence_watch import SilenceWatch


class Exchange(Protocol):
    """A request on its way over a connection, and who hears its answer.

    The connection calls exactly one of `ended` and `broke` last, unless it is told to `abort`.
    """

    head: bytes
    body: bytes
    listener: AnswerListener | None
    """Who hears the answer, for the pieces of its body: those come without a step in between."""
    first_byte_timeout_s: float
    paused: bool

    def heard_head(self, status: int, headers: Mapping[str, str]) -> None:
        """The head is complete."""

    def blame_listener(self, error: Exception) -> None:
        """The listener raised on a piece."""

    def ended(self) -> None:
        """The answer is complete; the connection is already free again or closed."""

    def broke(self, reason: Lost, detail: str, *, stale: bool) -> None:
        """No more will come. `stale` if the engine surely never saw the request."""


class EngineConnection(asyncio.Protocol):
    """Calls `on_free` after each answer that leaves it usable, and `on_closed` last, unless the
    connecting was cancelled."""

    def __init__(
        self,
        settings: ClientSettings,
        loop: asyncio.AbstractEventLoop,
        *,
        on_free: Callable[["EngineConnection"], None],
        on_closed: Callable[["EngineConnection"], None],
    ) -> None:
        self._settings = settings
        self._silence_timeout_s = settings.silence_timeout_ms / 1000
        self._now_s = loop.time
        self._on_free = on_free
        self._on_closed = on_closed
        self._transport: asyncio.Transport | None = None
        self._closed = False
        self._exchange: Exchange | None = None
        self._reader = AnswerReader(settings.head_bytes_max)
        self._watch = SilenceWatch(loop, self._silent)
        self._written_at = 0.0
        self._reused = False
        self._answered = self._body_begun = False

    @property
    def usable(self) -> bool:
        """Whether a request can be written."""
        if self._closed or self._transport is None or self._exchange is not None:
            return False
        return not self._transport.is_closing()

    def begin(self, exchange: Exchange) -> None:
        """Write the request. The connection must be free; if it has closed, the exchange breaks."""
        assert self._exchange is None, "one request at a time"
        transport = self._transport
        # One that is used again was usable when it was taken, a moment ago.
        if transport is None or not (self._reused or self.usable):
            exchange.broke(Lost.CLOSED, "closed right after connecting", stale=False)
            return
        self._exchange = exchange
        self._reader.begin()
        self._answered = self._body_begun = False
        self._written_at = now_s = self._now_s()
        self._watch.begin(exchange.first_byte_timeout_s, now_s)
        # Copying a body costs less than a vectored write of two pieces does.
        transport.write(exchange.head + exchange.body)
        if exchange.paused:
            self.pause()

    def pause(self) -> None:
        """Stop reading, and counting silence."""
        if self._transport is not None and not self._closed:
            self._transport.pause_reading()
        self._watch.stop()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and not self._closed:
            self._transport.resume_reading()
        if self._exchange is not None:
            self._watch.start()

    def abort(self) -> None:
        """Close at once and tell the exchange nothing."""
        self._exchange = None
        self._watch.close()
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def shut(self, detail: str) -> None:
        """Close at once; an exchange under way breaks."""
        self._break(Lost.CLOSED, detail)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            self.abort()  # an answer that nobody asked for
            return
        reader = self._reader
        piece = reader.feed_body(data) if self._body_begun else self._hear_beginning(exchange, data)
        if piece:
            self._watch.heard_at = self._now_s()
            listener = exchange.listener
            if listener is not None:
                try:
                    listener.on_body(piece)
                except Exception as error:  # noqa: BLE001 - the listener's fault must end its exchange only
                    exchange.blame_listener(error)
        if reader.is_over:
            self._end()

    def _hear_beginning(self, exchange: Exchange, data: bytes) -> bytes:
        """Take a read of which no body came before; return what it brings of the body."""
        reader = self._reader
        head_told = reader.status != 0
        self._answered = True
        piece = reader.feed(data)
        if reader.status and not head_told:
            exchange.heard_head(reader.status, reader.headers)
        if piece and not reader.is_over and self._exchange is exchange:
            self._body_begun = True
            self._watch.limit(self._silence_timeout_s)
        return piece

    def eof_received(self) -> None:
        # Not a close that first flushes the request: the engine may never read the rest of it.
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._on_closed(self)
        if self._exchange is not None and self._reader.ends_at_close and exc is None:
            self._end()
        else:
            self._break(Lost.CLOSED, str(exc or ""))

    def _end(self) -> None:
        exchange, transport, reader = self._exchange, self._transport, self._reader
        if exchange is None or transport is None:
            return  # aborted by the one who heard it
        if reader.fault:
            self._break(Lost.MALFORMED, reader.fault)
            return
        self._exchange = None
        self._watch.stop()
        # An engine may answer before it has read the whole request; the rest would follow.
        if reader.reusable and not self._closed and not transport.get_write_buffer_size():
            if exchange.paused:
                transport.resume_reading()
            self._reused = True
            self._on_free(self)
        else:
            self.abort()
        exchange.ended()

    def _break(self, reason: Lost, detail: str) -> None:
        exchange = self._exchange
        unanswered_ms = (self._now_s() - self._written_at) * 1000
        stale = (
            reason is Lost.CLOSED
            and self._reused
            and not self._answered
            and unanswered_ms <= self._settings.stale_ms_max
        )
        self.abort()
        if exchange is not None:
            exchange.broke(reason, detail, stale=stale)

    def _silent(self) -> None:
        waited_for = "next piece" if self._body_begun else "first piece of the body"
        self._break(Lost.TIMED_OUT, f"no {waited_for} in time")
