"""The waiting requests: one queue per leaf and pool, first come first served within."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from heapq import merge
from itertools import islice

from evenhand.model import LaneName, RequestId, TenantPath
from evenhand.scheduling.node import Node
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.ticket import Ticket

_Queue = OrderedDict[RequestId, Ticket]


class Backlog:
    """Queues of tickets. Bounded by the scheduler's limits (requests, bytes, time).

    `push` and `remove` say whether the leaf began or ceased to wait for the pool, so that the caller
    can tell the share tree.
    """

    def __init__(self, lanes: Sequence[LaneName] = ()) -> None:
        """`lanes` in order of precedence."""
        self._queues: dict[Node, dict[Pool, _Queue]] = {}
        self.requests = 0
        self.bytes = 0
        self.lane_units: dict[LaneName, int] = {}
        """Estimated units that wait in each lane; nothing where there are no lanes."""
        self.lanes(lanes)

    def lanes(self, lanes: Sequence[LaneName]) -> None:
        """These from here on, in order of precedence. Nothing waits."""
        assert not self.requests
        self._ranks = {name: rank for rank, name in enumerate(lanes)}
        self.lane_units = dict.fromkeys(lanes, 0)

    def push(self, ticket: Ticket) -> bool:
        """Queue a ticket by its order of arrival. True: the leaf began to wait for this pool."""
        pools = self._queues.setdefault(ticket.leaf, {})
        queue = pools.get(ticket.pool)
        begins = queue is None
        if queue is None:
            queue = pools[ticket.pool] = OrderedDict()
        # Only those that come back from a failed engine, or from another pool, find later arrivals here.
        later = () if begins else _since(queue, ticket.sequence)
        queue[ticket.request.id] = ticket
        for other in later:
            queue.move_to_end(other.request.id)
        self._count(ticket, 1)
        return begins

    def remove(self, ticket: Ticket) -> bool:
        """Take a ticket out, wherever it stands; O(1). True: the leaf waits for that pool no more."""
        pools = self._queues[ticket.leaf]
        queue = pools[ticket.pool]
        del queue[ticket.request.id]
        self._count(ticket, -1)
        if queue:
            return False
        del pools[ticket.pool]
        if not pools:
            del self._queues[ticket.leaf]
        return True

    def oldest(self, leaf: Node, open_pools: Collection[Pool]) -> Ticket:
        """The leaf's first ticket for any of these pools. There must be one."""
        pools = self._queues[leaf]
        if len(pools) == 1:
            (queue,) = pools.values()
            return next(iter(queue.values()))
        heads = (next(iter(queue.values())) for pool, queue in pools.items() if pool in open_pools)
        return min(heads, key=lambda ticket: ticket.sequence)

    def newest(self, leaf: Node) -> Ticket | None:
        """The leaf's last ticket that has not run before, in the last of the lanes that it waits in."""
        tails = (_last_that_has_not_run(queue) for queue in self._queues[leaf].values())
        ranks = self._ranks
        return max(
            (ticket for ticket in tails if ticket is not None),
            key=lambda ticket: (ranks.get(ticket.pool.lane, 0), ticket.sequence),
            default=None,
        )

    def newest_of_all(self) -> Ticket | None:
        """The last ticket of any leaf that has not run before. O(leaves)."""
        tickets = (self.newest(leaf) for leaf in self._queues)
        return max(
            (ticket for ticket in tickets if ticket is not None),
            key=lambda ticket: ticket.sequence,
            default=None,
        )

    def first_come(self, beneath: TenantPath, at_most: int) -> list[Ticket]:
        """Those that came first of a node and all beneath it, in order of arrival. O(queues + `at_most`
        x log queues)."""
        depth = len(beneath)
        queues = (
            queue.values()
            for leaf, pools in self._queues.items()
            if leaf.path[:depth] == beneath
            for queue in pools.values()
        )
        return list(islice(merge(*queues, key=lambda ticket: ticket.sequence), at_most))

    def queued_before(self, ticket: Ticket) -> int:
        """How many of the leaf's own requests for the same pool stand before it."""
        queue = self._queues[ticket.leaf][ticket.pool]
        return sum(1 for other in queue.values() if other.sequence < ticket.sequence)

    def _count(self, ticket: Ticket, sign: int) -> None:
        size, units = ticket.request.body_bytes * sign, ticket.expected_units * sign
        self.requests += sign
        self.bytes += size
        if self.lane_units:
            self.lane_units[ticket.pool.lane] += units
        for node in ticket.leaf.lineage:
            node.queued_requests += sign
            node.queued_bytes += size
            node.queued_units += units


def _last_that_has_not_run(queue: _Queue) -> Ticket | None:
    """Those that were preempted came early, so the last is found at once."""
    return next((t for t in reversed(queue.values()) if t.preempted_at is None), None)


def _since(queue: _Queue, sequence: int) -> list[Ticket]:
    """Those at the end of the queue that arrived later, in order."""
    later: list[Ticket] = []
    for ticket in reversed(queue.values()):
        if ticket.sequence < sequence:
            break
        later.append(ticket)
    return later[::-1]
