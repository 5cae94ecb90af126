"""Earliest deadline first within a tenant: whoever must see its first token soonest."""

from collections.abc import Callable

from evenhand.scheduling.lanes.lane import Lane
from evenhand.scheduling.queue.ranked import Rank
from evenhand.scheduling.ticket import Ticket


def by_deadline(lanes: tuple[Lane, ...]) -> Callable[[Ticket], Rank]:
    """Ranks by when the first token is wanted: the request's own `ttft_ms_target` after it came, else
    its lane's. Whoever has neither has until it may wait no more. A second try keeps the deadline of
    the first. Ties go to the earlier arrival."""
    targets_ms = {lane.name: lane.ttft_ms_target for lane in lanes}

    def rank(ticket: Ticket) -> Rank:
        request = ticket.request
        target_ms = request.ttft_ms_target
        if target_ms is None:
            target_ms = targets_ms.get(ticket.pool.lane)
        if target_ms is None:
            target_ms = request.queue_wait_ms_max
        return (ticket.queued_ms - ticket.first_try_ms + target_ms,)

    return rank
