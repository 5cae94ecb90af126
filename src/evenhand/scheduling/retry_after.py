"""When a refused client may come back: when what its tenant has waiting will have been served."""

from evenhand.scheduling.node import Node

RETRY_AFTER_MS_MIN = 1_000
RETRY_AFTER_MS_MAX = 120_000
"""The OpenAI SDK honours a wait up to 120 s exactly and gives up beyond it."""


def retry_after_ms(leaf: Node, units_per_s: int | None) -> int:
    """Expected time until the leaf's queue is empty, in whole seconds so that it tells little of
    others' load. The leaf's share is its part of the weights that wait at this moment, at each level.
    Without a measured rate: the minimum."""
    if not units_per_s:
        return RETRY_AFTER_MS_MIN
    wait_ms = leaf.queued_units * 1000 // units_per_s
    node = leaf
    while node.parent is not None:
        weights = node.parent.waiting_weight
        if not node.waiting_pools:
            weights += node.weight  # it would wait with the others
        wait_ms = wait_ms * weights // node.weight
        node = node.parent
    wait_ms = -(-wait_ms // 1000) * 1000
    return max(RETRY_AFTER_MS_MIN, min(RETRY_AFTER_MS_MAX, wait_ms))
