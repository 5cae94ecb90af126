"""The scheduler's record of one open request."""

from dataclasses import dataclass

from evenhand.model import EngineName, Request
from evenhand.scheduling.lanes.lane import NORMAL_PRICE_PERCENT
from evenhand.scheduling.node import Node
from evenhand.scheduling.pool import Pool


@dataclass(slots=True, eq=False)
class Ticket:
    """From `submit` to its one ending.

    `input_tokens` and `cached_tokens` are what its prompt is taken to be. `paid_tokens` is the output
    that is paid for: what was predicted (`predicted_tokens`), which live tokens use up before they cost
    more, or what was produced if that is more. `pinned` is what its cost depends on besides its work.
    `expected_units` is the last estimate; `units` is what its leaf carries for it at this
    moment, 0 while it waits. `price_percent` is what its lane charges for its work. `first_try_ms` is
    how long it had been here when its second stay in the queue began; 0 in the first.
    `home` is the engine near which it waits, for queues that keep tickets by engine. `failed_engine`
    is the one that has failed on it before. `preempted_at` is the engine that took it back to its queue:
    it is charged already, and starts again for nothing. `engine_us_before` is its part of the engine's
    time until then.
    """

    request: Request
    leaf: Node
    pool: Pool
    sequence: int
    queued_ms: int
    price_percent: int = NORMAL_PRICE_PERCENT
    input_tokens: int = 0
    paid_tokens: int = 0
    pinned: int = 1
    expected_units: int = 0
    units: int = 0
    predicted_tokens: int = 0
    cached_tokens: int = 0
    starts_before: int = 0
    """How many starts there were when it began to wait (`History.starts`)."""
    engine: EngineName | None = None
    home: EngineName | None = None
    engine_clock_us: int = 0
    """Of its engine when it started there (`EngineClocks`)."""
    produced_tokens: int = 0
    failed_engine: EngineName | None = None
    first_try_ms: int = 0
    preempted_at: EngineName | None = None
    engine_us_before: int = 0

    @property
    def has_failed_once(self) -> bool:
        return self.failed_engine is not None

    @property
    def expires_ms(self) -> int:
        return self.queued_ms + self.request.queue_wait_ms_max
