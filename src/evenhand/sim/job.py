"""An ask under way: what the engine has done for it so far."""

from evenhand.model import EngineName, RequestId
from evenhand.workloads.ask import Ask

NEVER = -1.0


class Job:
    """One per request that was sent. Instants in milliseconds since the start, `NEVER` until then.

    `cached_tokens` of its prompt were in the engine's cache when it was first admitted there.
    `produced` is how many output tokens have come, as of the last time the engine was asked;
    `told` of them the scheduler knows, `paid` it was charged at the pick.
    """

    __slots__ = (
        "arrived_ms",
        "ask",
        "cached_tokens",
        "ended_ms",
        "engine",
        "first_token_ms",
        "gateway",
        "id",
        "paid",
        "preemptions",
        "produced",
        "started_ms",
        "state",
        "told",
    )

    def __init__(self, ask: Ask, arrived_ms: float) -> None:
        self.ask = ask
        self.id = RequestId(str(ask.id))
        self.arrived_ms = arrived_ms
        self.started_ms = NEVER
        self.first_token_ms = NEVER
        self.ended_ms = NEVER
        self.engine: EngineName | None = None
        self.gateway = 0
        self.cached_tokens = 0
        self.preemptions = 0
        self.produced = 0
        self.told = 0
        self.paid = 0
        self.state: object = None
        """What its engine keeps about it; nobody else looks."""
