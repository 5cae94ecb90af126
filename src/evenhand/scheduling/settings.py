"""What a scheduler is built from."""

from dataclasses import dataclass, field

from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.lanes.lane import Lane
from evenhand.scheduling.limits import QueueLimits
from evenhand.scheduling.policy import Policy
from evenhand.scheduling.presets import PRESETS
from evenhand.scheduling.share_tree import TenantShare


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    """`cost` weighs tokens, for the policy's cost and for people. `sheds` False: a full queue refuses
    the arrival, whoever's it is, as a plain queue does. `lanes` are in order of precedence; none: all
    requests are of one lane, whatever theirs is called."""

    tenants: tuple[TenantShare, ...]
    policy: Policy = PRESETS["vtc"]
    cost: TokenWeights = field(default_factory=TokenWeights)
    limits: QueueLimits = field(default_factory=QueueLimits)
    output_tokens_default: int = 256
    sheds: bool = True
    lanes: tuple[Lane, ...] = ()
    forget_after_ms: int = 3_600_000
    """What was learned of a tenant goes when it has been idle for so long."""
