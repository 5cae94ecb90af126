"""What is wrong, since when, how much, with whom, and what to do."""

from enum import StrEnum
from typing import NamedTuple

from evenhand.model import EngineName, TenantPath


class Kind(StrEnum):
    """The closed set of alarms."""

    SLOW_TTFT = "slow_ttft"
    SLOW_TOKENS = "slow_tokens"
    LONG_QUEUE_WAITS = "long_queue_waits"
    OLDEST_WAIT = "oldest_wait"
    KV_HELD_BY_ONE = "kv_held_by_one"
    SERVED_TO_ONE = "served_to_one"
    UNFAIR_5MIN = "unfair_5min"
    UNFAIR_1S = "unfair_1s"
    PREEMPTIONS = "preemptions"
    ENGINE_DOWN = "engine_down"
    CIRCUIT_OPEN = "circuit_open"
    LEDGER_CLOSED = "ledger_closed"
    OVER_SHARE = "over_share"
    FORGED_HINTS = "forged_hints"
    RETRY_STORM = "retry_storm"
    PADDED_PROMPTS = "padded_prompts"
    DRIFT = "drift"


class Found(NamedTuple):
    """A condition that holds in this second. `value` and `threshold` are in `unit`. `tenant` or `engine`
    says with whom; neither: it is the gateway as a whole."""

    kind: Kind
    value: int
    threshold: int
    unit: str
    what: str
    tenant: TenantPath | None = None
    engine: EngineName | None = None
    application: str | None = None

    @property
    def key(self) -> tuple[Kind, TenantPath | None, EngineName | None, str | None]:
        """What makes it the same alarm from one second to the next."""
        return (self.kind, self.tenant, self.engine, self.application)


class Alarm(NamedTuple):
    """One that was raised. Times are the wall clock's; `ended_ms` None: it stands."""

    found: Found
    since_ms: int
    ended_ms: int | None = None


DO: dict[Kind, str] = {
    Kind.SLOW_TTFT: (
        "See whether it waits here (its queue wait) or at the engine: give it a lane with a deadline,"
        " more weight, or the engines less window."
    ),
    Kind.SLOW_TOKENS: (
        "The engines run too much at once, or prompts interrupt answers: lower the window, or chunk"
        " prompts in the engine."
    ),
    Kind.LONG_QUEUE_WAITS: (
        "Look at who is served instead (`evenhand explain ID`); raise its weight, or add engines."
    ),
    Kind.OLDEST_WAIT: (
        "See whether an engine for its model is up and has slots; `evenhand explain ID` tells what it"
        " waits for."
    ),
    Kind.KV_HELD_BY_ONE: (
        "Its long prompts or answers fill the engines' memory while others wait: bound its open"
        " requests or output tokens by its key, or lower the window."
    ),
    Kind.SERVED_TO_ONE: (
        "It has most of the engines while others wait, beyond its weight: see that the policy is a"
        " fair one, and which lane or model it uses."
    ),
    Kind.UNFAIR_5MIN: (
        "Backlogged tenants do not get their due: see the policy (`evenhand policies`), floors and"
        " ceilings of lanes, and models that only some engines serve."
    ),
    Kind.UNFAIR_1S: (
        "For many seconds in a row one tenant had nearly everything: as for fairness over five"
        " minutes, or requests so large that few start in a second."
    ),
    Kind.PREEMPTIONS: (
        "The engine runs out of memory and computes again what it had: lower its window, or give it"
        " more memory for its cache."
    ),
    Kind.ENGINE_DOWN: "See its own log and the reason here; the others go on without it.",
    Kind.CIRCUIT_OPEN: "Requests failed there, so it is left alone for a while; see its own log.",
    Kind.LEDGER_CLOSED: (
        "Look at the disk of the state folder. Keys with a hard budget are refused until it can be"
        " written again."
    ),
    Kind.OVER_SHARE: (
        "It asks for far more than its share while others wait. It gains nothing by that; bound its"
        " queue or its key's open requests, or talk to its owner."
    ),
    Kind.FORGED_HINTS: (
        "Its requests carry hints of identity or urgency meant for the engine. They are never"
        " obeyed; its client is misconfigured, or tries."
    ),
    Kind.RETRY_STORM: (
        "It sends again what was refused without waiting as it was told; bound its key's open"
        " requests, or have its client heed Retry-After."
    ),
    Kind.PADDED_PROMPTS: (
        "Its prompts have become far longer than this application's are; if they are padded to win"
        " in the cache, use a policy with a quantum (dlpm)."
    ),
    Kind.DRIFT: (
        "The application does not behave as it did: see what its owner has changed, then forecasts,"
        " prices and limits that rest on it."
    ),
}
"""What an operator should do about each."""
