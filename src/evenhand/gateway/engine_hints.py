"""What the scheduler inside an engine is told of each request: whose it is, and what that is worth."""

from evenhand.gateway.identity import Identity
from evenhand.scheduling import Scheduler
from evenhand.wire.engine_hints import (
    APPLICATION,
    LANE,
    SERVED,
    TENANT,
    TRUST_DOMAIN,
    WEIGHTS,
    Hint,
    hints_member,
)


class EngineHints:
    """For one engine. `secret` seals them; None: the engine believes whoever reaches it."""

    def __init__(self, secret: bytes | None) -> None:
        self._secret = secret

    def member(self, identity: Identity, scheduler: Scheduler) -> bytes:
        """The member of the body. What the tenant was served so far, at all engines, lets one engine
        know of the others."""
        lineage = scheduler.tree.leaf(identity.tenant).lineage
        hints: dict[str, Hint] = {
            TENANT: "/".join(identity.tenant),
            WEIGHTS: [node.weight for node in reversed(lineage[:-1])],
            LANE: identity.lane,
            APPLICATION: identity.application,
            TRUST_DOMAIN: identity.trust_domain,
            SERVED: scheduler.served_units(identity.tenant),
        }
        return hints_member(
            {name: hint for name, hint in hints.items() if hint != ""}, self._secret
        )
