"""What the machines must see: every rule of the fair presets, broken once."""

from collections.abc import Callable
from unittest.mock import patch

import pytest

from evenhand.scheduling import Node, share_tree
from evenhand.scheduling.pool import Pool
from properties.every_preset import FAIR, found, machine_of

Lift = Callable[[Node, Pool], None]
_SOUND = share_tree._lift

every_fair_preset = pytest.mark.parametrize("preset", FAIR)
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


@every_fair_preset
@pytest.mark.parametrize("lift", [no_lift, only_beside_others, rejoin_at_zero, by_whoever_waits])
def test_a_wrong_lift_is_caught(preset: str, lift: Lift) -> None:
    with patch.object(share_tree, "_lift", lift):
        assert found(machine_of(preset)) in ("credit was banked", "a debt was erased")
