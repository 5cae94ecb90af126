"""Who runs next, where, and what it is charged.

Lives here: the share tree, costs, orders between tenants, prediction, the surface (`scheduler.py`).
May import: `evenhand.model`, nothing else; no clock, no randomness, no I/O.
Promises: the bound that the policy states, work conservation, exact conservation in integers.
"""

from evenhand.scheduling.admission.overload import OverloadStatus
from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.decisions import Refusal, Settlement, Start, Submission
from evenhand.scheduling.explanation import Ahead, Explanation, Instead
from evenhand.scheduling.lanes.lane import Lane, priced
from evenhand.scheduling.lanes.standing import LaneStanding
from evenhand.scheduling.limits import QueueLimits
from evenhand.scheduling.node import VIRTUAL_PER_UNIT, WEIGHT_MAX, Node
from evenhand.scheduling.policy import Policy
from evenhand.scheduling.presets import PRESETS, compose
from evenhand.scheduling.scheduler import Scheduler
from evenhand.scheduling.settings import SchedulerSettings
from evenhand.scheduling.share_tree import ShareTree, TenantShare, subtree, tenant_paths
from evenhand.scheduling.tree_change import (
    AddTenant,
    MoveTenant,
    RemoveTenant,
    SetWeight,
    TreeChange,
    TreePlan,
    TreeProblem,
)

__all__ = [
    "PRESETS",
    "VIRTUAL_PER_UNIT",
    "WEIGHT_MAX",
    "AddTenant",
    "Ahead",
    "Explanation",
    "Instead",
    "Lane",
    "LaneStanding",
    "MoveTenant",
    "Node",
    "OverloadStatus",
    "Policy",
    "QueueLimits",
    "Refusal",
    "RemoveTenant",
    "Scheduler",
    "SchedulerSettings",
    "SetWeight",
    "Settlement",
    "ShareTree",
    "Start",
    "Submission",
    "TenantShare",
    "TokenWeights",
    "TreeChange",
    "TreePlan",
    "TreeProblem",
    "compose",
    "priced",
    "subtree",
    "tenant_paths",
]
