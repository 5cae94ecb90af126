"""What each tenant is promised: its weight over its siblings', down the tree, among those that ask."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from evenhand.model import TenantPath
from evenhand.scheduling import TenantShare
from evenhand.sim.measures.columns import Floats


def promised_shares(tenants: Sequence[TenantShare], asking: AbstractSet[TenantPath]) -> Floats:
    """Parts of 1 for the leaves, in the order of the tree; 0 for a leaf that asks for nothing, whose
    part falls to its siblings."""
    shares: list[float] = []
    _divide(tenants, (), 1.0, asking, shares)
    return np.array(shares)


def _divide(
    siblings: Sequence[TenantShare],
    above: TenantPath,
    part: float,
    asking: AbstractSet[TenantPath],
    shares: list[float],
) -> None:
    active = [_asks(node, above, asking) for node in siblings]
    total = sum(node.weight for node, asks in zip(siblings, active, strict=True) if asks)
    for node, asks in zip(siblings, active, strict=True):
        own = part * node.weight / total if asks else 0.0
        if node.children:
            _divide(node.children, (*above, node.name), own, asking, shares)
        else:
            shares.append(own)


def _asks(node: TenantShare, above: TenantPath, asking: AbstractSet[TenantPath]) -> bool:
    path = (*above, node.name)
    if not node.children:
        return path in asking
    return any(_asks(child, path, asking) for child in node.children)
