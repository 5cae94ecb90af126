"""The keep-alive HTTP/1.1 client of one engine."""

import asyncio
import ssl
from collections.abc import Sequence

from evenhand.engines.http.address import EngineAddress
from evenhand.engines.http.address_class import addresses_of
from evenhand.engines.http.attempt import EngineAttempt
from evenhand.engines.http.connection import EngineConnection
from evenhand.engines.http.contract import AnswerListener, Attempt, Lost
from evenhand.engines.http.idle_connections import IdleConnections
from evenhand.engines.http.paths import POSTED, READ, ensure_listed
from evenhand.engines.http.request_head import RequestHead
from evenhand.engines.http.settings import ClientSettings


class EngineClient:
    """Sends requests to one engine over connections that it keeps for reuse.

    Requests under way are not limited here: the engine's window is. No redirect is followed, no
    proxy of the environment used, no body decompressed. `close` must be awaited at the end.
    """

    def __init__(
        self,
        address: EngineAddress,
        settings: ClientSettings,
        *,
        headers: Sequence[tuple[str, str]] = (),
        loop: asyncio.AbstractEventLoop | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Send `headers` (authorization, say) with every request.

        `ssl_context` replaces the system's trust for https.
        """
        self.address = address
        self._settings = settings
        self._first_byte_timeout_s = settings.first_byte_timeout_ms / 1000
        self._head = RequestHead(address, headers)
        self.loop = loop or asyncio.get_running_loop()
        self._ssl = None
        if address.scheme == "https":
            self._ssl = ssl_context or ssl.create_default_context()
        self._idle = IdleConnections(
            connections_max=settings.idle_connections_max,
            idle_ms_max=settings.idle_ms_max,
            loop=self.loop,
        )
        # Both as large as the callers' windows.
        self._open: set[EngineConnection] = set()
        self._dialing: dict[asyncio.Task[None], EngineAttempt] = {}
        self._all_closed: asyncio.Future[None] | None = None

    @property
    def open_connections(self) -> int:
        """Connected sockets, idle ones too."""
        return len(self._open)

    @property
    def idle_connections(self) -> int:
        """Connections waiting for a request."""
        return len(self._idle)

    def post(
        self,
        path: str,
        body: bytes,
        headers: Sequence[tuple[str, str]],
        listener: AnswerListener,
        *,
        sends_max: int = 2,
        first_byte_timeout_ms: int | None = None,
    ) -> Attempt:
        """Send a POST; the listener hears the answer, never before this has returned.

        `sends_max` 1 forbids the second send after a stale connection. Raises ValueError for a path
        that engines are not asked for or a header that HTTP forbids, RuntimeError after `close`.
        """
        ensure_listed(path, POSTED)
        head = self._head.post(path, headers, len(body))
        return self._start(head, body, listener, sends_max, first_byte_timeout_ms)

    def get(
        self, path: str, listener: AnswerListener, *, first_byte_timeout_ms: int | None = None
    ) -> Attempt:
        """Send a GET; the rest is as for `post`."""
        ensure_listed(path, READ)
        return self._start(self._head.get(path), b"", listener, 2, first_byte_timeout_ms)

    async def close(self) -> None:
        """Close every connection and return when all are closed. Attempts under way are lost."""
        self._all_closed = self._all_closed or self.loop.create_future()
        self._idle.close()
        dialing = list(self._dialing.items())
        for task, attempt in dialing:
            task.cancel()
            attempt.broke(Lost.CLOSED, "the client was closed", stale=False)
        for connection in list(self._open):
            connection.shut("the client was closed")
        await asyncio.gather(*(task for task, _ in dialing), return_exceptions=True)
        self._note_all_closed()
        await asyncio.shield(self._all_closed)

    def _start(
        self,
        head: bytes,
        body: bytes,
        listener: AnswerListener,
        sends_max: int,
        first_byte_timeout_ms: int | None,
    ) -> EngineAttempt:
        if self._all_closed is not None:
            raise RuntimeError("the client is closed; make no request after close()")
        timeout_s = self._first_byte_timeout_s
        if first_byte_timeout_ms is not None:
            timeout_s = first_byte_timeout_ms / 1000
        attempt = EngineAttempt(
            head, body, listener, self, sends_max=sends_max, first_byte_timeout_s=timeout_s
        )
        # Where it may be written but once, no kept connection is trusted: it may be stale.
        connection = self._idle.take() if sends_max > 1 else None
        if connection is None:
            attempt.connect()
        else:
            attempt.go(connection)
        return attempt

    def dial(self, attempt: EngineAttempt) -> "asyncio.Task[None]":
        """See `Dialler.dial`."""
        task = self.loop.create_task(self._connect(attempt))
        self._dialing[task] = attempt
        task.add_done_callback(self._dialing.__delitem__)
        return task

    async def _connect(self, attempt: EngineAttempt) -> None:
        connection = EngineConnection(
            self._settings,
            self.loop,
            on_free=self._idle.put,
            on_closed=self._closed,
        )
        timeout_ms = self._settings.connect_timeout_ms
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await self._reach(connection)
        except asyncio.CancelledError:
            connection.abort()
            raise
        except TimeoutError:
            connection.abort()
            attempt.broke(Lost.TIMED_OUT, f"no connection in {timeout_ms} ms", stale=False)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request needs an ending
            connection.abort()
            attempt.broke(Lost.REFUSED, str(error), stale=False)
        else:
            # Only from here on: uvloop tells a protocol nothing of a close during connecting.
            if connection.usable:
                self._open.add(connection)
            attempt.go(connection)

    async def _reach(self, connection: EngineConnection) -> None:
        """Connect to the first of the host's addresses that answers. Raises OSError."""
        address = self.address
        name = address.host if self._ssl else None
        failure = OSError(f"{address.host} has no address")
        for host in await addresses_of(address.host, address.port, self.loop):
            try:
                await self.loop.create_connection(
                    lambda: connection, host, address.port, ssl=self._ssl, server_hostname=name
                )
            except OSError as error:
                failure = error
            else:
                return
        raise failure

    def _closed(self, connection: EngineConnection) -> None:
        self._open.discard(connection)
        self._idle.drop(connection)
        self._note_all_closed()

    def _note_all_closed(self) -> None:
        if self._all_closed and not self._all_closed.done() and not self._open:
            self._all_closed.set_result(None)
