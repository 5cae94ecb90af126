"""The scheduling core: one small surface, hosted by the gateway, by simulators and by engines.

Pure: time is an argument (`now_ms`, a monotonic clock that never goes back), every effect is a return
value, equal calls give equal answers. The host owes, for each request: `submit` once; then, unless it
was refused, exactly one of `cancel` (while it waits), an appearance in `shed` or `expire`, or
`settle` (after `next` has started it).
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
        self._rate = ServiceRate()
        self._tickets: dict[RequestId, Ticket] = {}
        self._deadlines: list[tuple[int, int, RequestId]] = []
        self._sequence = 0
        self.request_units_peak = 0
        """The most that any request was charged at any moment so far."""

    # Requests come in.

    def submit(self, request: Request, now_ms: int) -> Submission:
        """Queue a request, or refuse it. At the global limit the newest waiting request of the
        tenant furthest over its share goes; the arrival only if it is that tenant's (always the
        arrival where the settings say that nothing is shed)."""
        assert request.id not in self._tickets, "submitted twice"
        pool = self.capacity.pool(request.model)
        if not self.capacity.is_served(pool):
            message = f"No engine that serves {request.model} is up. Try again later."
            return Submission(Refusal(request, Outcome.NO_ENGINE, message, 5_000))
        ticket = self._ticket(request, pool, now_ms)
        refused = self._over_tenant_limit(ticket, now_ms)
        if refused is not None:
            return Submission(refused)
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
            _, _, request_id = heappop(self._deadlines)
            ticket = self._tickets.get(request_id)
            if ticket is None or ticket.engine is not None or ticket.expires_ms > now_ms:
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
        ticket = self._order.next(self.capacity.open_pools(self.tree.root.views))
        if ticket is None:
            return None
        self._dequeue(ticket)
        ticket.engine = self.capacity.take(ticket.pool)
        ticket.started_ms = now_ms
        self._count_running(ticket, 1, now_ms)
        # Charged now, with the answer expected, so that a burst is not free.
        ticket.input_tokens = self._input.tokens(ticket.request)
        ticket.prepaid_tokens = self._output.tokens(ticket.request)
        self._charge_to(ticket, self._expected_units(ticket), now_ms)
        return Start(ticket.request, ticket.engine, now_ms - ticket.queued_ms)

    def produced(self, request_id: RequestId, tokens: int, now_ms: int) -> None:
        """So many more output tokens have come. O(depth); free while they were predicted."""
        assert tokens >= 0
        ticket = self._tickets[request_id]
        assert ticket.engine is not None
        ticket.produced_tokens += tokens
        if ticket.produced_tokens > ticket.prepaid_tokens:
            self._charge_to(ticket, self._expected_units(ticket), now_ms)

    def settle(
        self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int
    ) -> Settlement:
        """End a started request: the charge becomes what it really used. Exactly once."""
        ticket = self._tickets.pop(request_id)
        assert ticket.engine is not None, "it waits: cancel it"
        before = ticket.charged_units
        self._charge_to(ticket, self.settings.cost.of(usage), now_ms)
        self.capacity.release(ticket.engine)
        self._count_running(ticket, -1, now_ms)
        if outcome is Outcome.COMPLETED:
            self._input.learn(ticket.request, usage)
            self._output.learn(ticket.request, usage.output_tokens)
        corrected = ticket.charged_units - before
        return Settlement(ticket.request, outcome, ticket.engine, ticket.charged_units, corrected)

    def try_again_elsewhere(self, request_id: RequestId, now_ms: int) -> bool:
        """Its engine failed before the first byte. True: it waits again, at its place by arrival,
        for any engine but that one, and what it was charged is refunded. False: no other engine
        serves its model, or this was its second try; the host settles it."""
        ticket = self._tickets[request_id]
        assert ticket.engine is not None
        serving = self.capacity.pool(ticket.request.model)
        pool = tuple(name for name in serving if name != ticket.engine)
        if ticket.has_failed_once or not self.capacity.is_served(pool):
            return False
        self._charge_to(ticket, 0, now_ms)
        self.capacity.release(ticket.engine)
        self._count_running(ticket, -1, now_ms)
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

    def expected_usage(self, request_id: RequestId) -> Usage:
        """What a running request is taken to use as far as is known: estimated input, and the greater
        of predicted and produced output. For settling what broke off without a word of usage."""
        ticket = self._tickets[request_id]
        output_tokens = max(ticket.prepaid_tokens, ticket.produced_tokens)
        return Usage(ticket.input_tokens, output_tokens, is_estimate=True)

    def retry_after_ms(self, tenant: TenantPath, now_ms: int) -> int:
        """When a client of that tenant that is refused for its own limits may come back."""
        return retry_after_ms(self.tree.leaf(tenant), self._rate.units_per_s(now_ms))

    def open_requests(self) -> int:
        """Waiting and running."""
        return len(self._tickets)

    def open_units(self) -> int:
        """What open requests are charged at this moment; the rest of all charges is settled."""
        return sum(ticket.charged_units for ticket in self._tickets.values())

    # Inside.

    def _ticket(self, request: Request, pool: Pool, now_ms: int) -> Ticket:
        self._sequence += 1
        ticket = Ticket(
            request=request,
            leaf=self.tree.leaf(request.tenant),
            pool=pool,
            sequence=self._sequence,
            queued_ms=now_ms,
            expected_units=0,
        )
        ticket.input_tokens = self._input.tokens(request)
        ticket.prepaid_tokens = self._output.tokens(request)
        ticket.expected_units = self._expected_units(ticket)
        return ticket

    def _expected_units(self, ticket: Ticket) -> int:
        output_tokens = max(ticket.prepaid_tokens, ticket.produced_tokens)
        return self.settings.cost.of_tokens(ticket.input_tokens, output_tokens)

    def _charge_to(self, ticket: Ticket, units: int, now_ms: int) -> None:
        """Make `units` what the ticket is charged in all."""
        delta = units - ticket.charged_units
        if delta:
            ticket.charged_units = units
            self.request_units_peak = max(self.request_units_peak, units)
            self.tree.charge(ticket.leaf, delta)
            self._rate.add(delta, now_ms)

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

    def _count_running(self, ticket: Ticket, sign: int, now_ms: int) -> None:
        node = ticket.leaf
        while True:
            node.running_requests += sign
            if node.parent is None:
                break
            node = node.parent
        self._rate.busy(now_ms, is_busy=node.running_requests > 0)

    def _over_tenant_limit(self, ticket: Ticket, now_ms: int) -> Refusal | None:
        limits, leaf = self.settings.limits, ticket.leaf
        over_requests = leaf.queued_requests + 1 > limits.tenant_requests_max
        over_bytes = leaf.queued_bytes + ticket.request.body_bytes > limits.tenant_bytes_max
        if not (over_requests or over_bytes):
            return None
        what = (
            f"{limits.tenant_requests_max} requests"
            if over_requests
            else f"{limits.tenant_bytes_max} bytes of requests"
        )
        message = (
            f"Tenant {'/'.join(leaf.path)} has {what} waiting already. "
            "Retry after the time given, or send fewer at once."
        )
        wait_ms = retry_after_ms(leaf, self._rate.units_per_s(now_ms))
        return Refusal(ticket.request, Outcome.TENANT_QUEUE_FULL, message, wait_ms)

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
