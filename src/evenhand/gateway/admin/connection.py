"""A connection to the admin listener with an end."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

LIFE_S_MAX: Final = 60.0


class Connection(H11Protocol):
    """uvicorn's connection, which waits for a request for ever, closed after `LIFE_S_MAX` seconds, or
    after the answer that is under way then. Silent and dribbling senders would else add up until the
    limit on connections shuts out the probes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._end = self.loop.call_later(LIFE_S_MAX, self.shutdown)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)
