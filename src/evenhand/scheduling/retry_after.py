"""When a refused client may come back: when what its tenant has waiting will have been served."""

from evenhand.scheduling.node import Node

RETRY_AFTER_MS_MIN = 1_000
RETRY_AFTER_MS_MAX = 120_000
"""The OpenAI SDK honours a wait up to 120 s exactly and gives up beyond it."""


def retry_after_ms(leaf: Node, units_per_s: int | None) -> int:
    """Expected time until the leaf's queue is empty, in whole seconds so that it tells little of
    others' load. Without a measured rate: the minimum."""
    if not units_per_s:
        return RETRY_AFTER_MS_MIN
    wait_ms = in_whole_seconds(drain_ms(leaf, leaf.queued_units, units_per_s))
    return max(RETRY_AFTER_MS_MIN, min(RETRY_AFTER_MS_MAX, wait_ms))


def drain_ms(node: Node, units: int, units_per_s: int) -> int:
    """How long so many units of a node take at its share of the rate. Its share is its part of the
    weights that wait at this moment, at each level."""
    wait_ms = units * 1000 // units_per_s
    while node.parent is not None:
        weights = node.parent.waiting_weight
        if not node.waiting_pools:
            weights += node.weight  # it would wait with the others
        wait_ms = wait_ms * weights // node.weight
        node = node.parent
    return wait_ms


def in_whole_seconds(wait_ms: int) -> int:
    """Rounded up."""
    return -(-wait_ms // 1000) * 1000
