"""The embedded engine, by the same terms."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.neighbour.engine import SLOTS, Engine, SkippedError
from evenhand.engines.embedded import EmbeddedEngine, EmbeddedEngineError, EmbeddedSettings

_CONTEXT_TOKENS = 2048


@asynccontextmanager
async def embedded(*, context_tokens: int = _CONTEXT_TOKENS) -> AsyncIterator[Engine]:
    """Serves for the length of the block. Raises SkippedError."""
    settings = EmbeddedSettings(slots=SLOTS, context_tokens=context_tokens, threads=1)
    engine = EmbeddedEngine(settings, on_change=lambda _is_up: None)
    try:
        await engine.start()
        assert engine.pid is not None
        yield Engine(kind="llamacpp", url=engine.url, pid=engine.pid)
    except EmbeddedEngineError as error:
        raise SkippedError(str(error)) from None
    finally:
        await engine.stop()
