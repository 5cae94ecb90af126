"""Connections waiting for their next request."""

import asyncio

from evenhand.engines.http.connection import EngineConnection


class IdleConnections:
    """Last in, first out, so that a burst's connections age and go. Bounded in number and time."""

    def __init__(
        self, *, connections_max: int, idle_ms_max: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._connections_max = connections_max
        self._idle_s_max = idle_ms_max / 1000
        self._loop = loop
        # Insertion order is age: the first is the one idle for longest.
        self._idle_since: dict[EngineConnection, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many are idle."""
        return len(self._idle_since)

    def put(self, connection: EngineConnection) -> None:
        """Keep a connection; the oldest is closed if there are too many."""
        if len(self._idle_since) >= self._connections_max:
            oldest = next(iter(self._idle_since))
            del self._idle_since[oldest]
            oldest.abort()
        self._idle_since[connection] = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._idle_s_max, self._close_expired)

    def take(self) -> EngineConnection | None:
        """Give the connection used last, if any is fit for use."""
        expired_before = self._loop.time() - self._idle_s_max
        while self._idle_since:
            connection, since = self._idle_since.popitem()
            if since > expired_before and connection.usable:
                return connection
            connection.abort()
        return None

    def drop(self, connection: EngineConnection) -> None:
        """Forget a connection that has closed."""
        self._idle_since.pop(connection, None)

    def close(self) -> None:
        """Close all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._idle_since:
            self._idle_since.popitem()[0].abort()

    def _close_expired(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._idle_since:
            oldest, since = next(iter(self._idle_since.items()))
            expires_at = since + self._idle_s_max
            if expires_at > now:
                self._timer = self._loop.call_at(expires_at, self._close_expired)
                return
            del self._idle_since[oldest]
            oldest.abort()
