"""The listener: who is let in, and how the house is emptied."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from evenhand.gateway.http.connection import Connection
from evenhand.gateway.http.contract import Application
from evenhand.gateway.http.framing import refusal_answer
from evenhand.gateway.http.settings import EdgeSettings
from evenhand.gateway.tls import Certificate, TlsLayer
from evenhand.model.outcome import Outcome

_BACKLOG = 1024
_UNSENT_BYTES = 16 * 1024
# Connections that are being told there is no room; beyond it they are cut without a word.
_TURNED_AWAY_MAX = 64


class Edge:
    """Serves `application` over HTTP/1.1 on one listening socket.

    `on_refused` is called once for every request that the edge itself refused. With a `certificate` it
    speaks TLS. Use from the loop's thread only.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        application: Application,
        *,
        on_refused: Callable[[Outcome], None],
        loop: asyncio.AbstractEventLoop,
        certificate: Certificate | None = None,
    ) -> None:
        self.settings = settings
        self.application = application
        self.on_refused = on_refused
        self.loop = loop
        self.draining = False
        """After it is set, every finished answer closes its connection."""
        self._certificate = certificate
        self._server: asyncio.AbstractServer | None = None
        self._served: set[Connection] = set()
        self._turned_away: set[Connection] = set()
        self._emptied: asyncio.Future[None] | None = None

    @property
    def connections(self) -> int:
        """Connections being served."""
        return len(self._served)

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Start serving; return the bound address. `port` 0 takes a free one. Call once.

        Raises OSError where the address cannot be bound.
        """
        assert self._server is None, "an edge listens once"
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        # Accepted sockets inherit all three. A client that vanished without FIN is noticed even
        # while nothing is being written to it; and what a slow client has not taken waits here,
        # where it is bounded and seen, not in megabytes of kernel buffer.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        bound = listening.getsockname()
        self._server = await self.loop.create_server(self._accept, sock=listening, backlog=_BACKLOG)
        return bound[0], bound[1]

    def stop_accepting(self) -> None:
        """Close the listening socket; connections stay."""
        if self._server is not None:
            self._server.close()

    def close_idle(self) -> None:
        """Close the connections that have no request."""
        for connection in list(self._served):
            connection.close_if_idle()

    def abort_all(self) -> int:
        """Cut every connection; return how many answers were unfinished or undelivered."""
        return sum([c.abort() for c in [*self._served, *self._turned_away]])

    async def drain(self, deadline_ms: int) -> int:
        """Take nothing new, wait for open answers, cut what is left after `deadline_ms`.

        Returns how many answers were cut. Afterwards no connection is left.
        """
        self.draining = True
        self.stop_accepting()
        self.close_idle()
        emptied = self._wait_emptied()
        try:
            async with asyncio.timeout(deadline_ms / 1000):
                await emptied
        except TimeoutError:
            cut = self.abort_all()
            await self._wait_emptied()
            return cut
        return 0

    def enter(self, connection: Connection) -> bool:
        """See `connection.Door`."""
        if len(self._served) >= self.settings.connections_max:
            self._turned_away.add(connection)
            return False
        self._served.add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """See `connection.Door`."""
        self._served.discard(connection)
        self._turned_away.discard(connection)
        if self._emptied is not None and not (self._served or self._turned_away):
            if not self._emptied.done():
                self._emptied.set_result(None)
            self._emptied = None

    def _accept(self) -> asyncio.Protocol:
        if len(self._turned_away) >= _TURNED_AWAY_MAX:
            return _Cut()
        connection = Connection(self)
        if self._certificate is None:
            return connection
        answer = self._answer_to_plain_http
        return TlsLayer(connection, self._certificate, answer_to_plain_http=answer)

    def _answer_to_plain_http(self) -> bytes:
        self.on_refused(Outcome.BAD_REQUEST)
        return refusal_answer(
            Outcome.BAD_REQUEST, "This port speaks TLS: write https:// in the URL."
        )

    def _wait_emptied(self) -> asyncio.Future[None]:
        emptied: asyncio.Future[None] = self.loop.create_future()
        if self._served or self._turned_away:
            self._emptied = emptied
        else:
            emptied.set_result(None)
        return emptied


class _Cut(asyncio.Protocol):
    """Takes no connection at all."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()
