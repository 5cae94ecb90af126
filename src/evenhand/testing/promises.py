"""The promises that hold after every event, whatever the policy."""

from collections.abc import Collection
from itertools import combinations

from evenhand.model import EngineName, Request
from evenhand.scheduling import VIRTUAL_PER_UNIT, Node, Scheduler
from evenhand.testing.broken_promise import require


def conserves_charges(scheduler: Scheduler, *, settled_units: int) -> None:
    """What was charged is what is settled and what is open, at every node, exactly."""
    root = scheduler.tree.root
    owed = settled_units + scheduler.open_units()
    require(
        root.service_units == owed,
        "charges are conserved",
        f"{root.service_units} units are charged in all, {owed} are settled or open",
    )
    for node in scheduler.tree.nodes():
        beneath = sum(child.service_units for child in node.children.values())
        require(
            not node.children or node.service_units == beneath,
            "charges are conserved",
            f"{_written(node)} carries {node.service_units} units, its children {beneath}",
        )


def conserves_work(waiting: Collection[Request], free: dict[Request, list[EngineName]]) -> None:
    """While anybody waits for an engine with a slot, something starts. `free`: for each waiting request,
    the engines that could take it."""
    for request in waiting:
        require(
            not free[request],
            "no slot idles while somebody waits for it",
            f"{request.id} waits, and {', '.join(free[request])} could take it",
        )


def stays_within_its_bound(scheduler: Scheduler) -> None:
    """The counters of two siblings that wait for the same pool, against what the policy states, with
    the largest charge that there has been. Only where all compete for the same engines."""
    policy, window = scheduler.settings.policy, scheduler.capacity.window_peak
    units_max = scheduler.request_units_peak
    for parent in scheduler.tree.nodes():
        waiting = [child for child in parent.children.values() if child.queued_requests]
        if len(waiting) < 2:
            continue
        gap_max = policy.counter_gap_max(
            window=window,
            request_units_max=units_max,
            weight_min=min(child.weight for child in parent.children.values()),
        )
        if gap_max is None:
            return
        for f, g in combinations(waiting, 2):
            for pool in set(f.waiting_pools) & set(g.waiting_pools):
                gap = abs(f.counter(pool) - g.counter(pool))
                require(
                    gap <= gap_max * VIRTUAL_PER_UNIT,
                    "counters stay within the stated bound",
                    f"{_written(f)} and {_written(g)} wait for the same engines and are"
                    f" {gap // VIRTUAL_PER_UNIT} units per weight apart; the policy states {gap_max}"
                    f" ({window} in flight, {units_max} units at most)",
                )


def keeps_nothing(scheduler: Scheduler) -> None:
    """When all have ended nothing is open, queued or charged ahead."""
    left = (
        ("requests are open", scheduler.open_requests()),
        ("units are charged ahead", scheduler.open_units()),
        ("requests are queued", scheduler.backlog.requests),
        ("pools are waited for", len(scheduler.tree.root.views)),
    )
    for what, number in left:
        require(number == 0, "nothing is left of those who have ended", f"{number} {what}")


def _written(node: Node) -> str:
    return "/".join(node.path) or "the root"
