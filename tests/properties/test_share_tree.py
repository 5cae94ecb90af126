"""What the machines must see: every rule of the fair presets, broken once."""

from collections.abc import Callable, Iterable
from heapq import heappop, heapreplace
from unittest.mock import patch

import pytest

from evenhand.scheduling import Node, share_tree
from evenhand.scheduling.counter_heap import CounterHeap
from evenhand.scheduling.order.round import Round
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.share_tree import ShareTree
from properties.every_preset import FAIR, bound_machine_of, found, machine_of

Lift = Callable[[Node, Pool], None]
_SOUND = share_tree._lift

pytestmark = pytest.mark.timeout(600)


def no_lift(node: Node, pool: Pool) -> None:
    """Who idled has credit."""


def only_beside_others(node: Node, pool: Pool) -> None:
    """As the VTC artifact has it: nobody is lifted into an empty queue."""
    assert node.parent is not None
    if pool in node.parent.views:
        _SOUND(node, pool)


def rejoin_at_zero(node: Node, pool: Pool) -> None:
    """The clients of literal DLPM come back with q = 0, whatever they owe."""
    assert node.parent is not None
    view = node.parent.views.get(pool)
    node.lifts[pool] = (view.least()[0] if view is not None else 0) - node.virtual


def by_whoever_waits(node: Node, pool: Pool) -> None:
    """A third party that waits for another model sets the present."""
    parent = node.parent
    assert parent is not None
    views = [parent.views[pool]] if pool in parent.views else list(parent.views.values())
    if views:
        present = min(view.least()[0] for view in views)
        node.lifts[pool] = max(present - node.virtual, node.lifts.get(pool, 0))
    else:
        _SOUND(node, pool)


@pytest.mark.parametrize(
    ("preset", "lift"),
    [
        *((preset, no_lift) for preset in FAIR),
        ("vtc", only_beside_others),
        ("vtc", by_whoever_waits),
        ("dlpm", rejoin_at_zero),
    ],
)
def test_a_wrong_lift_is_caught(preset: str, lift: Lift) -> None:
    with patch.object(share_tree, "_lift", lift):
        assert found(machine_of(preset))


def most_served(tree: ShareTree, open_pools: Iterable[Pool]) -> Node:
    """Whoever has had most has more."""
    node, pools = tree.root, list(open_pools)
    while node.children:
        waiting = [c for c in node.children.values() if any(p in pools for p in c.waiting_pools)]
        node = max(waiting, key=lambda child: (child.virtual, child.index))
    return node


@pytest.mark.parametrize("preset", ["vtc", "wsc", "fairserve", "drr"])
def test_a_preset_without_its_rule_breaks_its_bound(preset: str) -> None:
    """The counters are right, and nobody minds them. Of `dlpm` and `d2lpm`: `test_bound.py`."""
    with (
        patch.object(ShareTree, "least_served_leaf", most_served),
        patch.object(Round, "may_go", lambda self, child: True),
    ):
        assert found(bound_machine_of(preset)) in (
            "siblings that wait are too far apart",
            "one lags too far behind",
        )


def test_a_refund_that_leaves_a_stale_key_is_caught() -> None:
    def least_without_looking(self: CounterHeap[Node]) -> tuple[int, Node]:
        """The lazy heap as it would do for counters that only grow."""
        while True:
            key, index = self._heap[0]
            if self._live.get(index) != key:
                heappop(self._heap)
                continue
            member = self._members[index]
            present = member.virtual + self._lifts[index]
            if present <= key:
                return key, member
            self._live[index] = present
            heapreplace(self._heap, (present, index))

    with (
        patch.object(CounterHeap, "shrunk", lambda self, member: None),
        patch.object(CounterHeap, "least", least_without_looking),
    ):
        assert found(machine_of("vtc"))
