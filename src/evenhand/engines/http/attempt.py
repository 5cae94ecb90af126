"""One try of one request at one engine."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from evenhand.engines.http.connection import EngineConnection
from evenhand.engines.http.contract import AnswerListener, Lost


class Dialler(Protocol):
    """What an attempt needs of the client that made it."""

    loop: asyncio.AbstractEventLoop

    def dial(self, attempt: "EngineAttempt") -> "asyncio.Task[None]":
        """Connect anew, then let the attempt `go` there, or tell it that it `broke`."""


class EngineAttempt:
    """Stands between the connections that carry a request and the one listener who hears of it.

    It is the Attempt of the contract, and the Exchange that a connection carries.
    """

    # How every attempt begins.
    paused = False
    sends = 0
    detail = ""
    _dialing: "asyncio.Task[None] | None" = None
    _connection: EngineConnection | None = None

    def __init__(
        self,
        head: bytes,
        body: bytes,
        listener: AnswerListener,
        dialler: Dialler,
        *,
        sends_max: int,
        first_byte_timeout_s: float,
    ) -> None:
        self.head = head
        self.body = body
        self.first_byte_timeout_s = first_byte_timeout_s
        self.listener: AnswerListener | None = listener
        self._dialler = dialler
        self._sends_max = sends_max

    def connect(self) -> None:
        """Ask for a new connection."""
        self._dialing = self._dialler.dial(self)

    def go(self, connection: EngineConnection) -> None:
        """Write the request to a connection."""
        self._dialing = None
        self._connection = connection
        self.sends += 1
        connection.begin(self)

    def abort(self) -> None:
        """See the contract."""
        self.listener = None
        connection, dialing = self._connection, self._dialing
        self._let_go()
        if connection is not None:
            connection.abort()
        if dialing is not None:
            dialing.cancel()

    def pause(self) -> None:
        """See the contract."""
        if not self.paused:
            self.paused = True
            if self._connection is not None:
                self._connection.pause()

    def resume(self) -> None:
        """See the contract."""
        if self.paused:
            self.paused = False
            if self._connection is not None:
                self._connection.resume()

    def heard_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Pass the head on; from here on the request is never sent again, so drop its bytes."""
        self.head = self.body = b""
        if self.listener is not None:
            try:
                self.listener.on_head(status, headers)
            except Exception as error:  # noqa: BLE001 - the listener's fault must end its attempt only
                self.blame_listener(error)

    def blame_listener(self, error: Exception) -> None:
        """End the attempt of a listener that raised, and nobody else's."""
        self.abort()
        self._dialler.loop.call_exception_handler(
            {
                "message": "the listener of an engine's answer raised; its connection is closed."
                " Mend the listener",
                "exception": error,
            }
        )

    def ended(self) -> None:
        """Tell the end."""
        listener = self.listener
        # The head has let go of the bytes already.
        self.listener = self._connection = None
        if listener is not None:
            try:
                listener.on_end()
            except Exception as error:  # noqa: BLE001 - as for the head
                self.blame_listener(error)

    def broke(self, reason: Lost, detail: str, *, stale: bool) -> None:
        """Send again if the connection was stale and another send is allowed; else tell the loss."""
        self._connection = None
        if stale and self.sends < self._sends_max and self.listener is not None:
            self.connect()
            return
        listener, self.listener = self.listener, None
        self.detail = detail
        self._let_go()
        if listener is not None:
            try:
                listener.on_lost(reason)
            except Exception as error:  # noqa: BLE001 - as for the head
                self.blame_listener(error)

    def _let_go(self) -> None:
        self._connection = self._dialing = None
        self.head = self.body = b""
