"""Serves the admin application inside the loop that serves everything else."""

import asyncio
import socket
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from evenhand.gateway.admin.connection import Connection
from evenhand.gateway.tls import Certificate, TlsLayer

CONNECTIONS_MAX: Final = 256
"""Beyond it requests are answered 503."""

_BACKLOG: Final = 64
_KEEP_ALIVE_S: Final = 5
_STOP_S_MAX: Final = 2


class AdminServer:
    """One listening socket for `app`. `start` once, in the loop; then `stop` once.

    uvicorn's own `serve` would install signal handlers and end the process where it cannot bind, so its
    steps are taken one by one here. Its log configuration is left out: warnings and traces go where
    the process's logging sends them. TLS, where there is a `certificate`, is not uvicorn's either: ours
    takes a renewed pair for the next connection.
    """

    def __init__(
        self, app: ASGIApp, host: str, port: int, *, certificate: Certificate | None = None
    ) -> None:
        self._certificate = certificate
        self._host = host
        self._port = port
        self._config = uvicorn.Config(
            app,
            # On h11, which bounds the request head; httptools under uvicorn does not.
            http=self._connection,  # type: ignore[arg-type] # it is only called, as the class would be
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            # It would print query strings, where people put credentials.
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_STOP_S_MAX,
        )
        self._server = uvicorn.Server(self._config)
        self._clock: asyncio.Task[None] | None = None
        self._listening: socket.socket | None = None

    async def start(self) -> tuple[str, int]:
        """Listen; return the bound address, of use where the port was 0. Raises OSError where the
        address cannot be bound."""
        assert self._listening is None, "an admin server starts once"
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        address = (self._host, self._port)
        self._listening = socket.create_server(address, family=family, backlog=_BACKLOG)
        # Accepted sockets inherit it: a client that vanished is noticed though nothing is sent to it.
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        host, port = self._listening.getsockname()[:2]
        self._config.load()
        self._server.lifespan = self._config.lifespan_class(self._config)
        await self._server.startup(sockets=[self._listening])
        # Keeps the Date header right.
        self._clock = asyncio.create_task(self._server.main_loop(), name="evenhand-admin")
        return host, port

    async def stop(self) -> None:
        """Take nothing new, let answers end for two seconds at most, cut what is left."""
        if self._clock is None or self._listening is None:
            return
        self._clock.cancel()
        await asyncio.gather(self._clock, return_exceptions=True)
        self._clock = None
        await self._server.shutdown(sockets=[self._listening])
        state = self._server.server_state
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        while state.connections:  # noqa: ASYNC110 - an aborted transport tells so in the next turn
            await asyncio.sleep(0)

    def _connection(self, **named: Any) -> asyncio.Protocol:
        connection = Connection(**named)
        return connection if self._certificate is None else TlsLayer(connection, self._certificate)
