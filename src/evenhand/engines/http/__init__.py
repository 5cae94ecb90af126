"""Lives here: the keep-alive HTTP/1.1 client towards engines, callbacks only, no task per request.
May import: evenhand.model; asyncio, httptools, ssl from outside.
Promises: one ending per attempt, a close on abort at once, bounded memory, nothing decompressed.
"""

from evenhand.engines.http.address import EngineAddress
from evenhand.engines.http.client import EngineClient
from evenhand.engines.http.contract import AnswerListener, Attempt, Lost
from evenhand.engines.http.settings import ClientSettings

__all__ = [
    "AnswerListener",
    "Attempt",
    "ClientSettings",
    "EngineAddress",
    "EngineClient",
    "Lost",
]
