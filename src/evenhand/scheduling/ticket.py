"""The scheduler's record of one open request."""

from dataclasses import dataclass

from evenhand.model import EngineName, Request
from evenhand.scheduling.node import Node
from evenhand.scheduling.pool import Pool


@dataclass(slots=True, eq=False)
class Ticket:
    """From `submit` to its one ending.

    `expected_units` is the estimate made at submission. While it runs `engine` is set, and the leaf
    carries the cost of `input_tokens` and `paid_tokens` for it: the output that was predicted, which
    live tokens use up before they cost more, or what was produced if that is more. `has_failed_once`
    says that an engine has failed on it before.
    """

    request: Request
    leaf: Node
    pool: Pool
    sequence: int
    queued_ms: int
    input_tokens: int
    paid_tokens: int
    expected_units: int
    engine: EngineName | None = None
    produced_tokens: int = 0
    has_failed_once: bool = False

    @property
    def expires_ms(self) -> int:
        return self.queued_ms + self.request.queue_wait_ms_max
