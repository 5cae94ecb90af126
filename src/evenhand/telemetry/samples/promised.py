"""What the weights promise a leaf while everybody is active, without a walk over the whole tree."""

from evenhand.scheduling import Node, ShareTree

MILLION = 1_000_000


class Promised:
    """Sums of weights, remembered until the tree changes. O(depth) a leaf after that."""

    def __init__(self, tree: ShareTree) -> None:
        self._tree = tree
        self._version = -1
        self._weights: dict[Node, int] = {}  # bounded by the inner nodes of the tree

    def ppm(self, leaf: Node) -> int:
        """Parts per million of all service."""
        if self._version != self._tree.version:
            self._version = self._tree.version
            self._weights.clear()
        above = below = 1
        for node in leaf.lineage:
            if node.parent is not None:
                above *= node.weight
                below *= self._sum_beneath(node.parent)
        return above * MILLION // below

    def _sum_beneath(self, parent: Node) -> int:
        known = self._weights.get(parent)
        if known is None:
            known = sum(child.weight for child in parent.children.values())
            self._weights[parent] = known
        return known
