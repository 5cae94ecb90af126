"""What engines say of their prefix caches as a whole, passed on to the scheduler."""

from evenhand.gateway.engine_link import EngineLink
from evenhand.model import EngineName, EngineReport
from evenhand.scheduling import Scheduler


class EngineCaches:
    """Tells each size once."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        # Bounded by the configured engines.
        self._told: dict[EngineName, tuple[int, int]] = {}

    def sized(self, engine: EngineName, *, tokens_max: int, block_tokens: int) -> None:
        """It cannot hold more than so many tokens of prompts and answers, in blocks of so many."""
        if self._told.get(engine) != (tokens_max, block_tokens):
            self._told[engine] = (tokens_max, block_tokens)
            self._scheduler.cache_sized(engine, tokens_max, block_tokens)

    def heard(self, link: EngineLink, report: EngineReport | None) -> None:
        """What the engine says of itself now; None: nothing of late, which changes no size."""
        if report is not None and report.blocks and report.block_tokens:
            self.sized(
                link.name,
                tokens_max=report.blocks * report.block_tokens,
                block_tokens=report.block_tokens,
            )

    def emptied(self, link: EngineLink) -> None:
        """The engine is another process than before, or has said that it holds nothing."""
        self._scheduler.restarted(link.name)
