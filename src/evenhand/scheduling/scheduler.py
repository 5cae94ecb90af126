"""The scheduling core: one small surface, hosted by the gateway, by simulators and by engines.

Pure: time is an argument (`now_ms`, a monotonic clock that never goes back), every effect is a return
value, equal calls give equal answers. The host owes, for each request: `submit` once, or instead of it a
`start_at_once` that has named an engine; then, unless it was refused, exactly one of `cancel` (while it
waits), an appearance in `shed` or `expire`, or `settle` (after it was started, by `next` or at once).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.capacity import Capacity
from evenhand.scheduling.cost import Cost
from evenhand.scheduling.decisions import Refusal, Settlement, Start, Submission, Waiting
from evenhand.scheduling.explanation import explain
from evenhand.scheduling.input_estimate import InputEstimate
from evenhand.scheduling.limits import QueueLimits
from evenhand.scheduling.node import Node
from evenhand.scheduling.policy import PRESETS, Policy
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.prediction import OutputPrediction
from evenhand.scheduling.retry_after import retry_after_ms
from evenhand.scheduling.service_rate import ServiceRate
from evenhand.scheduling.share_tree import ShareTree, TenantShare
from evenhand.scheduling.ticket import Ticket

_DEAD_DEADLINES_MAX = 64
_WAITS = Submission()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    """What the core is built from. `sheds` False: a full queue refuses the arrival, whoever's it is,
    as a plain queue does."""

    tenants: tuple[TenantShare, ...]
    policy: Policy = field(default_factory=Policy)
    cost: Cost = field(default_factory=Cost)
    limits: QueueLimits = field(default_factory=QueueLimits)
    output_tokens_default: int = 256
    sheds: bool = True


class Scheduler:
    """Who runs next, where, and what it is charged."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self.settings = settings
        self.tree = ShareTree(settings.tenants)
        self.capacity = Capacity()
        self.backlog = Backlog()
        self._order = PRESETS[settings.policy.preset].order(self.tree, self.backlog)
        self._input = InputEstimate()
        self._output = OutputPrediction(
            settings.policy.prediction, default_tokens=settings.output_tokens_default
        )
        self._cost = settings.cost
        self._output_units = settings.cost.output
        self._rate = ServiceRate(self.tree.root)
        self._tickets: dict[RequestId, Ticket] = {}
        self._deadlines: list[tuple[int, int, RequestId]] = []
        self._sequence = 0
        self._ended_units_peak = 0

    # Requests come in.

    def start_at_once(self, request: Request, now_ms: int) -> EngineName | None:
        """Start a request for which an engine has a slot and before which nobody waits, on the engine
        returned. None: nothing has happened, `submit` it.

        The short way of most requests while there is no contention: every effect is that of `submit`
        and of the `next` that would follow.
        """
        assert request.id not in self._tickets, "submitted twice"
        capacity, waiting = self.capacity, self.tree.root.views
        pool = capacity.pool(request.model)
        if not capacity.is_open(pool):
            return None
        if waiting and capacity.open_pools(waiting):
            return None  # whoever waits for an open pool may go first
        leaf = self.tree.leaf(request.tenant)
        if self._is_over_tenant_limit(request, leaf):
            return None
        ticket = self._tickets[request.id] = self._ticket(request, leaf, pool, now_ms)
        self.tree.pass_through(leaf, pool)
        return self._put_on_engine(ticket, ticket.expected_units, now_ms)

    def submit(self, request: Request, now_ms: int) -> Submission:
        """Queue a request, or refuse it. At the global limit the newest waiting request of the
        tenant furthest over its share goes; the arrival only if it is that tenant's (always the
        arrival where the settings say that nothing is shed)."""
        assert request.id not in self._tickets, "submitted twice"
        pool = self.capacity.pool(request.model)
        if not self.capacity.is_served(pool):
            message = f"No engine that serves {request.model} is up. Try again later."
            return Submission(Refusal(request, Outcome.NO_ENGINE, message, 5_000))
        leaf = self.tree.leaf(request.tenant)
        if self._is_over_tenant_limit(request, leaf):
            return Submission(self._tenant_queue_full(request, leaf, now_ms))
        ticket = self._ticket(request, leaf, pool, now_ms)
        # It leaves the queue with the host's next call, so it takes nobody's place.
        starts_at_once = pool not in self.tree.root.views and self.capacity.is_open(pool)
        if not (self.settings.sheds or starts_at_once) and self._has_no_room_for(request):
            return Submission(self._queue_full(request, now_ms))
        self._enqueue(ticket)
        heappush(self._deadlines, (ticket.expires_ms, ticket.sequence, request.id))
        may_shed = self.settings.sheds and not starts_at_once
        shed = tuple(self._shed(now_ms)) if may_shed else ()
        if not shed:
            return _WAITS
        own = next((refusal for refusal in shed if refusal.request.id == request.id), None)
        return Submission(own, tuple(refusal for refusal in shed if refusal is not own))

    def cancel(self, request_id: RequestId, now_ms: int) -> None:
        """A waiting request's client has left. It will never start. O(log n)."""
        del now_ms
        ticket = self._tickets[request_id]
        assert ticket.engine is None, "it runs: settle it"
        self._dequeue(ticket)
        del self._tickets[request_id]

    def expire(self, now_ms: int) -> tuple[Refusal, ...]:
        """End those that have waited too long. Call at `next_expiry_ms` or soon after."""
        expired = []
        while self._deadlines and self._deadlines[0][0] <= now_ms:
            at_ms, _, request_id = heappop(self._deadlines)
            ticket = self._tickets.get(request_id)
            # The deadline of its first stay in the queue says nothing of its second.
            if ticket is None or ticket.engine is not None or ticket.expires_ms != at_ms:
                continue
            self._dequeue(ticket)
            del self._tickets[request_id]
            waited_s = (now_ms - ticket.queued_ms) // 1000
            message = (
                f"The request waited {waited_s} s without reaching an engine. "
                "Send fewer requests at once, or ask for a larger share."
            )
            wait_ms = retry_after_ms(ticket.leaf, self._rate.units_per_s(now_ms))
            expired.append(Refusal(ticket.request, Outcome.QUEUED_TOO_LONG, message, wait_ms))
        return tuple(expired)

    def next_expiry_ms(self) -> int | None:
        """When `expire` may next have something to do; None while nothing waits."""
        return self._deadlines[0][0] if self._deadlines else None

    # Requests start, run and end.

    def next(self, now_ms: int) -> Start | None:
        """The request to start and its engine. Call whenever a request or a slot has appeared, until
        the answer is None: then no slot is free that anybody waits for."""
        if not self.backlog.requests:
            return None
        open_pools = self.capacity.open_pools(self.tree.root.views)
        if not open_pools:
            return None
        ticket = self._order.next(open_pools)
        self._dequeue(ticket)
        # Guessed anew: more is known than when it came.
        ticket.input_tokens, ticket.paid_tokens, units = self._expected(ticket.request)
        engine = self._put_on_engine(ticket, units, now_ms)
        return Start(ticket.request, engine, now_ms - ticket.queued_ms)

    def produced(self, request_id: RequestId, tokens: int, now_ms: int) -> None:
        """So many more output tokens have come. O(depth); free while they were predicted."""
        assert tokens >= 0
        ticket = self._tickets[request_id]
        assert ticket.engine is not None
        ticket.produced_tokens = produced = ticket.produced_tokens + tokens
        unpaid = produced - ticket.paid_tokens
        if unpaid <= 0:
            return
        ticket.paid_tokens = produced
        if now_ms >= self._rate.second_ends_ms:
            self._rate.roll(now_ms)
        self.tree.charge(ticket.leaf, unpaid * self._output_units)

    def settle(
        self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int
    ) -> Settlement:
        """End a started request: the charge becomes what it really used. Exactly once."""
        ticket = self._tickets.pop(request_id)
        engine, request = ticket.engine, ticket.request
        assert engine is not None, "it waits: cancel it"
        units = self._cost.of(usage)
        corrected = self._take_off_engine(ticket, engine, units, now_ms)
        if outcome is Outcome.COMPLETED:
            self._input.learn(request, usage)
            self._output.learn(request, usage.output_tokens)
        return Settlement(request, outcome, engine, units, corrected)

    def try_again_elsewhere(self, request_id: RequestId, now_ms: int) -> bool:
        """Its engine failed before the first byte. True: it waits again, at its place by arrival,
        for any engine but that one, and what it was charged is refunded. False: no other engine
        serves its model, or this was its second try; the host settles it."""
        ticket = self._tickets[request_id]
        engine = ticket.engine
        assert engine is not None
        serving = self.capacity.pool(ticket.request.model)
        pool = tuple(name for name in serving if name != engine)
        if ticket.has_failed_once or not self.capacity.is_served(pool):
            return False
        self._take_off_engine(ticket, engine, 0, now_ms)
        ticket.engine, ticket.pool, ticket.has_failed_once = None, pool, True
        ticket.queued_ms = now_ms  # the time at the first engine was no waiting
        ticket.produced_tokens = 0
        self._enqueue(ticket)
        heappush(self._deadlines, (ticket.expires_ms, ticket.sequence, request_id))
        return True

    # Engines change.

    def engine_changed(
        self, name: EngineName, *, window: int, models: Collection[ModelName]
    ) -> None:
        """An engine appeared, or its window (0: it takes nothing more) or models changed."""
        self.capacity.change(name, window=window, models=models)

    # Questions.

    def why(self, request_id: RequestId, now_ms: int) -> Waiting | None:
        """Why a request waits; None if it runs or is unknown."""
        ticket = self._tickets.get(request_id)
        if ticket is None or ticket.engine is not None:
            return None
        is_open = self.capacity.is_open(ticket.pool)
        return explain(ticket, self.backlog, is_open=is_open, now_ms=now_ms)

    def expected_input_tokens(self, request_id: RequestId) -> int:
        """How many a running request's prompt is taken to be, as far as is known."""
        return self._tickets[request_id].input_tokens

    def expected_usage(self, request_id: RequestId) -> Usage:
        """What a running request is taken to use as far as is known: estimated input, and the greater
        of predicted and produced output. For settling what broke off without a word of usage."""
        ticket = self._tickets[request_id]
        return Usage(ticket.input_tokens, ticket.paid_tokens, is_estimate=True)

    def retry_after_ms(self, tenant: TenantPath, now_ms: int) -> int:
        """When a client of that tenant that is refused for its own limits may come back."""
        return retry_after_ms(self.tree.leaf(tenant), self._rate.units_per_s(now_ms))

    def open_requests(self) -> int:
        """Waiting and running."""
        return len(self._tickets)

    def open_units(self) -> int:
        """What open requests are charged at this moment; the rest of all charges is settled."""
        return sum(self._charged_units(ticket) for ticket in self._tickets.values())

    @property
    def request_units_peak(self) -> int:
        """The most that any request was charged at any moment so far. O(open requests): what one is
        charged only grows until it ends."""
        charged = map(self._charged_units, self._tickets.values())
        return max(self._ended_units_peak, max(charged, default=0))

    # Inside.

    def _ticket(self, request: Request, leaf: Node, pool: Pool, now_ms: int) -> Ticket:
        self._sequence = sequence = self._sequence + 1
        return Ticket(request, leaf, pool, sequence, now_ms, *self._expected(request))

    def _expected(self, request: Request) -> tuple[int, int, int]:
        """Its input and output tokens, and the units that these cost."""
        input_tokens, output_tokens = self._input.tokens(request), self._output.tokens(request)
        return input_tokens, output_tokens, self._cost.of_tokens(input_tokens, output_tokens)

    def _charged_units(self, ticket: Ticket) -> int:
        """What its leaf carries for it at this moment."""
        if ticket.engine is None:
            return 0
        return self._cost.of_tokens(ticket.input_tokens, ticket.paid_tokens)

    def _put_on_engine(self, ticket: Ticket, units: int, now_ms: int) -> EngineName:
        """Charged now, with the answer expected, so that a burst is not free."""
        if now_ms >= self._rate.second_ends_ms:
            self._rate.roll(now_ms)
        self.tree.occupy(ticket.leaf, 1, units)
        ticket.engine = engine = self.capacity.take(ticket.pool)
        return engine

    def _take_off_engine(self, ticket: Ticket, engine: EngineName, units: int, now_ms: int) -> int:
        """Make `units` what it is charged in all, and say how much that added. Its slot is free."""
        if now_ms >= self._rate.second_ends_ms:
            self._rate.roll(now_ms)
        charged = self._cost.of_tokens(ticket.input_tokens, ticket.paid_tokens)
        self._ended_units_peak = max(self._ended_units_peak, charged, units)
        self.tree.occupy(ticket.leaf, -1, units - charged)
        self.capacity.release(engine)
        return units - charged

    def _enqueue(self, ticket: Ticket) -> None:
        self._tickets[ticket.request.id] = ticket
        if self.backlog.push(ticket):
            self.tree.join(ticket.leaf, ticket.pool)
        self._order.queued(ticket)

    def _dequeue(self, ticket: Ticket) -> None:
        if self.backlog.remove(ticket):
            self.tree.leave(ticket.leaf, ticket.pool)
        self._order.unqueued(ticket)
        if len(self._deadlines) > 2 * self.backlog.requests + _DEAD_DEADLINES_MAX:
            self._deadlines = [
                entry
                for entry in self._deadlines
                if (waiting := self._tickets.get(entry[2])) is not None and waiting.engine is None
            ]
            heapify(self._deadlines)

    def _is_over_tenant_limit(self, request: Request, leaf: Node) -> bool:
        limits = self.settings.limits
        return (
            leaf.queued_requests >= limits.tenant_requests_max
            or leaf.queued_bytes + request.body_bytes > limits.tenant_bytes_max
        )

    def _tenant_queue_full(self, request: Request, leaf: Node, now_ms: int) -> Refusal:
        limits = self.settings.limits
        what = (
            f"{limits.tenant_requests_max} requests"
            if leaf.queued_requests >= limits.tenant_requests_max
            else f"{limits.tenant_bytes_max} bytes of requests"
        )
        message = (
            f"Tenant {'/'.join(leaf.path)} has {what} waiting already. "
            "Retry after the time given, or send fewer at once."
        )
        wait_ms = retry_after_ms(leaf, self._rate.units_per_s(now_ms))
        return Refusal(request, Outcome.TENANT_QUEUE_FULL, message, wait_ms)

    def _has_no_room_for(self, request: Request) -> bool:
        limits, backlog = self.settings.limits, self.backlog
        is_long = backlog.requests + 1 > limits.requests_max
        return is_long or backlog.bytes + request.body_bytes > limits.bytes_max

    def _queue_full(self, request: Request, now_ms: int) -> Refusal:
        message = "The queue of this gateway is full. Retry after the time given."
        wait_ms = retry_after_ms(self.tree.root, self._rate.units_per_s(now_ms))
        return Refusal(request, Outcome.QUEUE_FULL, message, wait_ms)

    def _shed(self, now_ms: int) -> Iterator[Refusal]:
        limits, backlog = self.settings.limits, self.backlog
        while True:
            if backlog.bytes > limits.bytes_max:
                leaf, what = self.tree.largest_in_queue(), "bytes"
            elif backlog.requests > limits.requests_max:
                leaf, what = self.tree.furthest_over_share(), "work"
            else:
                return
            assert leaf is not None
            ticket = backlog.newest(leaf)
            self._dequeue(ticket)
            del self._tickets[ticket.request.id]
            message = (
                f"The queue is full, and this tenant holds the most {what} of it for its share. "
                "Retry after the time given, or send fewer at once."
            )
            wait_ms = retry_after_ms(leaf, self._rate.units_per_s(now_ms))
            yield Refusal(ticket.request, Outcome.SHED, message, wait_ms)


def tenant_paths(tenants: Iterable[TenantShare]) -> Iterator[tuple[str, ...]]:
    """All leaves, as paths."""
    for tenant in tenants:
        if tenant.children:
            yield from ((tenant.name, *path) for path in tenant_paths(tenant.children))
        else:
            yield (tenant.name,)
