"""Calls of interactions in progress first, by a head start in time. Rule and bound:
interaction_first.md."""

from collections.abc import Callable

from evenhand.scheduling.interactions import Interactions
from evenhand.scheduling.queue.protocol import Rank
from evenhand.scheduling.ticket import Ticket


def interaction_first(interactions: Interactions, head_start_ms: int) -> Callable[[Ticket], Rank]:
    """By arrival, where calls of interactions in progress, and those that an engine has failed, count as
    arrived so much earlier."""

    def rank(ticket: Ticket) -> Rank:
        has_head_start = interactions.is_later_call(ticket.request) or ticket.has_failed_once
        return (ticket.queued_ms - head_start_ms if has_head_start else ticket.queued_ms,)

    return rank
