"""The limits of the queue: who finds it full, and who must leave it.

At the limit of all, the newest waiting request of the tenant furthest over its share goes, the arrival
only if it is that tenant's.
"""

from evenhand.model import Outcome, Request
from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.decisions import Refusal
from evenhand.scheduling.limits import QueueLimits
from evenhand.scheduling.node import Node
from evenhand.scheduling.retry_after import retry_after_ms
from evenhand.scheduling.service_rate import ServiceRate
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket


class Door:
    """Reads the backlog and the tree; the scheduler carries out what it finds."""

    def __init__(
        self, limits: QueueLimits, tree: ShareTree, backlog: Backlog, rate: ServiceRate
    ) -> None:
        self._limits = limits
        self._tree = tree
        self._backlog = backlog
        self._rate = rate

    def is_closed_to(self, request: Request, leaf: Node) -> bool:
        """Whether the tenant has as much waiting as it may."""
        limits = self._limits
        return (
            leaf.queued_requests >= limits.tenant_requests_max
            or leaf.queued_bytes + request.body_bytes > limits.tenant_bytes_max
        )

    def tenant_queue_full(self, request: Request, leaf: Node, now_ms: int) -> Refusal:
        """For an arrival to which it is closed."""
        limits = self._limits
        what = (
            f"{limits.tenant_requests_max} requests"
            if leaf.queued_requests >= limits.tenant_requests_max
            else f"{limits.tenant_bytes_max} bytes of requests"
        )
        message = (
            f"Tenant {'/'.join(leaf.path)} has {what} waiting already. "
            "Retry after the time given, or send fewer at once."
        )
        wait_ms = self.retry_after_ms(leaf, now_ms)
        return Refusal(request, Outcome.TENANT_QUEUE_FULL, message, wait_ms)

    def has_no_room_for(self, request: Request) -> bool:
        """Whether the queue of all is full, where nobody is shed."""
        limits, backlog = self._limits, self._backlog
        is_long = backlog.requests + 1 > limits.requests_max
        return is_long or backlog.bytes + request.body_bytes > limits.bytes_max

    def queue_full(self, request: Request, now_ms: int) -> Refusal:
        """For an arrival for which there is no room."""
        message = "The queue of this gateway is full. Retry after the time given."
        wait_ms = self.retry_after_ms(self._tree.root, now_ms)
        return Refusal(request, Outcome.QUEUE_FULL, message, wait_ms)

    def to_shed(self) -> tuple[Ticket, str] | None:
        """The ticket that must leave a queue that is over its limit, and what its tenant has too much
        of. One that has run before stays; if that tenant has no other, the newest of all goes."""
        limits, backlog = self._limits, self._backlog
        if backlog.bytes > limits.bytes_max:
            leaf, what = self._tree.largest_in_queue(), "bytes"
        elif backlog.requests > limits.requests_max:
            leaf, what = self._tree.furthest_over_share(), "work"
        else:
            return None
        assert leaf is not None
        ticket = backlog.newest(leaf) or backlog.newest_of_all()
        return None if ticket is None else (ticket, what)

    def shed(self, ticket: Ticket, what: str, now_ms: int) -> Refusal:
        """For a ticket that has left the queue as `to_shed` told."""
        message = (
            f"The queue is full, and this tenant holds the most {what} of it for its share. "
            "Retry after the time given, or send fewer at once."
        )
        wait_ms = self.retry_after_ms(ticket.leaf, now_ms)
        waited_ms = now_ms - ticket.queued_ms
        return Refusal(ticket.request, Outcome.SHED, message, wait_ms, waited_ms)

    def queued_too_long(self, ticket: Ticket, now_ms: int) -> Refusal:
        """For a ticket that has left the queue because its time is over."""
        waited_ms = now_ms - ticket.queued_ms
        message = (
            f"The request waited {waited_ms // 1000} s without reaching an engine. "
            "Send fewer requests at once, or ask for a larger share."
        )
        wait_ms = self.retry_after_ms(ticket.leaf, now_ms)
        return Refusal(ticket.request, Outcome.QUEUED_TOO_LONG, message, wait_ms, waited_ms)

    def retry_after_ms(self, node: Node, now_ms: int) -> int:
        """When what waits beneath the node will have been served, at its share of the measured rate."""
        return retry_after_ms(node, self._rate.units_per_s(now_ms))
