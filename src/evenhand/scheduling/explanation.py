"""Why a request waits, read off the share tree at this moment."""

from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.decisions import Waiting
from evenhand.scheduling.node import VIRTUAL_PER_UNIT, Node
from evenhand.scheduling.ticket import Ticket

_SIBLINGS_MAX = 16
"""Named per level; beyond that a list explains nothing."""


def explain(ticket: Ticket, backlog: Backlog, *, is_open: bool, now_ms: int) -> Waiting:
    """Who goes first at each level, and whether there is a slot at all."""
    path = []
    node: Node | None = ticket.leaf
    while node is not None and node.parent is not None:
        path.append(node)
        node = node.parent
    ahead = tuple(line for node in reversed(path) for line in _siblings_ahead(node, ticket))
    return Waiting(
        id=ticket.request.id,
        gate="share" if is_open else "window",
        waited_ms=now_ms - ticket.queued_ms,
        queued_before=backlog.queued_before(ticket),
        ahead=ahead,
    )


def _siblings_ahead(node: Node, ticket: Ticket) -> list[tuple[str, int, int]]:
    assert node.parent is not None
    pool = ticket.pool
    view = node.parent.views[pool]
    own = node.counter(pool)
    ahead = [
        sibling
        for sibling in node.parent.waiting_children
        if sibling is not node and sibling in view and sibling.counter(pool) < own
    ]
    ahead.sort(key=lambda sibling: sibling.counter(pool))
    return [
        (
            "/".join(sibling.path),
            sibling.counter(pool) // VIRTUAL_PER_UNIT,
            own // VIRTUAL_PER_UNIT,
        )
        for sibling in ahead[:_SIBLINGS_MAX]
    ]
