"""What is done once a second, between two requests: who has left goes, who is long idle is forgotten."""

from evenhand.scheduling.admission.protocol import Admission
from evenhand.scheduling.idle import IdleHand
from evenhand.scheduling.node import Node
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.prediction.protocol import Prediction
from evenhand.scheduling.reshape import Reshape
from evenhand.scheduling.share_tree import ShareTree, subtree

_IDLE_NODES_A_SECOND = 256


class Memories:
    """Those who remember something of a tenant."""

    def __init__(
        self, order: Order, prediction: Prediction, placement: Placement, admission: Admission
    ) -> None:
        self._order = order
        self._prediction = prediction
        self._placement = placement
        self._admission = admission

    def gone(self, top: Node) -> None:
        """The node has been taken out of the tree, with all beneath it."""
        for node in subtree(top):
            self._order.forget(node)
            self.idle(node)

    def idle(self, leaf: Node) -> None:
        """It is long idle: what was learned of it is forgotten."""
        self._prediction.forget(leaf.path)
        self._placement.forget(leaf)
        self._admission.forget(leaf)


class Upkeep:
    """`due_ms` is when to `go` next."""

    def __init__(
        self, tree: ShareTree, reshape: Reshape, memories: Memories, *, forget_after_ms: int
    ) -> None:
        self._reshape = reshape
        self._idle = IdleHand(tree, after_ms=forget_after_ms, on_idle=memories.idle)
        self.due_ms = 0

    def memories_changed(self, memories: Memories) -> None:
        """Others remember from here on."""
        self._idle.on_idle = memories.idle

    def go(self, now_ms: int) -> None:
        """O(a bounded number of nodes), and of those that are leaving."""
        self.due_ms = now_ms + 1_000
        self._reshape.take_out_the_gone()
        self._idle.go(now_ms, nodes_max=_IDLE_NODES_A_SECOND)
