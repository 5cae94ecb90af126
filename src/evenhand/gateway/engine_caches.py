"""What engines say of their prefix caches as a whole, passed on to the scheduler."""

from evenhand.gateway.engine_link import EngineLink
from evenhand.model import EngineName, EngineReport
from evenhand.scheduling import Scheduler


class EngineCaches:
    """Tells each size once: the least of what an engine has room for and what it says it holds."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        # All bounded by the configured engines.
        self._room: dict[EngineName, tuple[int, int]] = {}
        self._held: dict[EngineName, int] = {}
        self._told: dict[EngineName, tuple[int | None, int | None]] = {}

    def sized(self, engine: EngineName, *, tokens_max: int, block_tokens: int) -> None:
        """It has room for so many tokens of prompts and answers, in blocks of so many."""
        self._room[engine] = tokens_max, block_tokens
        self._tell(engine)

    def held(self, engine: EngineName, tokens: int | None) -> None:
        """It holds so many at this moment; None: that is not known, or no more."""
        if tokens is None:
            self._held.pop(engine, None)
        else:
            self._held[engine] = tokens
        self._tell(engine)

    def heard(self, link: EngineLink, report: EngineReport | None) -> None:
        """What the engine says of itself now; None: nothing of late, which changes no size."""
        if report is not None and report.blocks and report.block_tokens:
            tokens_max = report.blocks * report.block_tokens
            self.sized(link.name, tokens_max=tokens_max, block_tokens=report.block_tokens)

    def emptied(self, link: EngineLink) -> None:
        """The engine is another process than before, or has said that it holds nothing."""
        self._scheduler.restarted(link.name)

    def _tell(self, engine: EngineName) -> None:
        room, block_tokens = self._room.get(engine, (None, None))
        sizes = [size for size in (room, self._held.get(engine)) if size is not None]
        told = min(sizes, default=None), block_tokens
        if self._told.get(engine, (None, None)) != told:
            self._told[engine] = told
            self._scheduler.cache_sized(engine, *told)
