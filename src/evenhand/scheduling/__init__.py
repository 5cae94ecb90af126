"""Who runs next, where, and what it is charged.

Lives here: the share tree, costs, orders between tenants, prediction, the surface (`scheduler.py`).
May import: `evenhand.model`, nothing else; no clock, no randomness, no I/O.
Promises: the bound that the policy states, work conservation, exact conservation in integers.
"""

from evenhand.scheduling.cost import Cost
from evenhand.scheduling.decisions import Refusal, Settlement, Start, Submission, Waiting
from evenhand.scheduling.limits import QueueLimits
from evenhand.scheduling.node import VIRTUAL_PER_UNIT, WEIGHT_MAX, Node
from evenhand.scheduling.policy import PRESETS, Policy, Preset
from evenhand.scheduling.prediction import Prediction
from evenhand.scheduling.scheduler import Scheduler, SchedulerSettings, tenant_paths
from evenhand.scheduling.share_tree import ShareTree, TenantShare

__all__ = [
    "PRESETS",
    "VIRTUAL_PER_UNIT",
    "WEIGHT_MAX",
    "Cost",
    "Node",
    "Policy",
    "Prediction",
    "Preset",
    "QueueLimits",
    "Refusal",
    "Scheduler",
    "SchedulerSettings",
    "Settlement",
    "ShareTree",
    "Start",
    "Submission",
    "TenantShare",
    "Waiting",
    "tenant_paths",
]
