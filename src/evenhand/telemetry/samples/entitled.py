"""What each active tenant was due of a second's service: max-min by weight, down the share tree.

A tenant claims what it received and what it still waits for. At each node the service is divided among
the children by weight, but nobody is given more than it claims; what one leaves goes to its siblings.
The same rule as in the simulator (`sim/measures/entitlement.py`), in whole units.
"""

from collections.abc import Mapping

from evenhand.scheduling import Node

Units = dict[Node, int]


def entitled(claims: Mapping[Node, int], amount: int, root: Node) -> Units:
    """Divide `amount` among the leaves that claim something; O(claims x log). What all claims together
    leave of it goes to nobody."""
    beneath: dict[Node, Units] = {root: {}}
    for leaf, claim in claims.items():
        for node in leaf.lineage:
            parent = node.parent
            if parent is None:
                break
            children = beneath.setdefault(parent, {})
            children[node] = children.get(node, 0) + claim
    given: Units = {}
    open_nodes = [(root, amount)]
    while open_nodes:
        node, share = open_nodes.pop()
        for child, units in max_min(beneath[node], share).items():
            if child in beneath:
                open_nodes.append((child, units))
            else:
                given[child] = units
    return given


def max_min(claims: Mapping[Node, int], amount: int) -> Units:
    """Fill by weight, those first who need the least for it. Rounds down, by less than a unit each."""
    weights = sum(node.weight for node in claims)
    given: Units = {}
    for node in sorted(claims, key=lambda node: claims[node] / node.weight):
        units = min(claims[node], amount * node.weight // weights)
        given[node] = units
        amount -= units
        weights -= node.weight
    return given
