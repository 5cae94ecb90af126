"""What reads an engine's signals, and what can come of it."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from evenhand.engines.signals.ask import NoPageError, Page
from evenhand.engines.signals.reading import Reading

Ask = Callable[[str], Awaitable[Page]]
"""Asks the engine for the page at a path. Raises NoPageError."""


class NotOfferedError(Exception):
    """The engine tells nothing of itself here; the words say what would make it."""


class SignalReader(Protocol):
    """Knows where one kind of engine tells what. One for each engine: it may remember what it found."""

    async def read(self, ask: Ask) -> Reading:
        """What the engine tells now. Raises NoPageError where it did not answer, NotOfferedError where
        it has nothing to tell."""


def body_of(page: Page, path: str, *, otherwise: str) -> bytes:
    """The body of a page that is there. `otherwise` is what to do where the engine has it not.

    Raises NotOfferedError, or NoPageError for an answer that may be another next time.
    """
    if page.status == 200:
        return page.body
    if page.status in (401, 403):
        raise NotOfferedError(
            f"GET {path} answered {page.status}: it wants a credential; give the engine an api_key"
        )
    if page.is_missing:
        raise NotOfferedError(f"GET {path} answered {page.status}: {otherwise}")
    raise NoPageError(f"GET {path} answered {page.status}")
