"""The scheduling core: one small surface, hosted by the gateway, by simulators and by engines.

Pure: time is an argument (`now_ms`, a monotonic clock that never goes back), every effect is a return
value, equal calls give equal answers. The host owes, for each request: `submit` once, or instead of it a
`start_at_once` that has named an engine; then, unless it was refused, exactly one of `cancel` (while it
waits), an appearance in `shed` or `expire`, or `settle` (after it was started, by `next` or at once).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from evenhand.model import (
    NO_USAGE,
    EngineName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    TenantPath,
    TrustDomain,
    Usage,
)
from evenhand.scheduling.admission.overload import OverloadStatus
from evenhand.scheduling.assembly import Assembly, Foundation
from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.capacity import Capacity
from evenhand.scheduling.deadlines import Deadlines
from evenhand.scheduling.decisions import Refusal, Settlement, Start, Submission
from evenhand.scheduling.door import Door
from evenhand.scheduling.exchange import exchange, obstacles
from evenhand.scheduling.explanation import Explanation, explain_past, explain_waiting
from evenhand.scheduling.history import History, counters_of
from evenhand.scheduling.lanes.standing import LaneStanding
from evenhand.scheduling.node import Node
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.prediction.error import PredictionErrors
from evenhand.scheduling.reshape import Reshape
from evenhand.scheduling.service_rate import ServiceRate
from evenhand.scheduling.settings import SchedulerSettings
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket
from evenhand.scheduling.tree_change import TreeChange, TreePlan, TreeProblem, plan_changes
from evenhand.scheduling.upkeep import Upkeep

_WAITS = Submission()


class Scheduler:
    """Who runs next, where, and what it is charged."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self.settings = settings
        self.tree = ShareTree(settings.tenants, lifts=settings.policy.order.lifts)
        self.capacity = Capacity()
        self.backlog = Backlog([lane.name for lane in settings.lanes])
        self._history = History()
        self._rate = ServiceRate(self.tree.root)
        self._tickets: dict[RequestId, Ticket] = {}
        self._deadlines = Deadlines(self._tickets)
        self._sequence = 0
        self._base = Foundation(
            tree=self.tree,
            backlog=self.backlog,
            capacity=self.capacity,
            rate=self._rate,
            tickets=self._tickets,
        )
        self._take(Assembly(settings, self._base))
        memories = self._parts.memories
        self._reshape = Reshape(self.tree, self._tickets.values, self._picking, memories.gone)
        self._upkeep = Upkeep(
            self.tree, self._reshape, memories, forget_after_ms=settings.forget_after_ms
        )

    def _take(self, parts: Assembly) -> None:
        """Go by these parts from here on. Each has a name here: what happens often needs it at once."""
        self._parts, settings = parts, parts.settings
        policy = settings.policy
        self._door = Door(settings.limits, self.tree, self.backlog, self._rate)
        self.prefixes = parts.prefixes
        self._lanes, self._queue, self._order = parts.lanes, parts.queue, parts.order
        self._placement, self._where, self._picking = parts.placement, parts.where, parts.picking
        self._admission, self._charges, self._running = (
            parts.admission,
            parts.charges,
            parts.running,
        )
        self._contest = parts.contest
        self._keeps_homes = policy.queue.keeps_homes
        self._measures_time = parts.charges.clocks is not None
        self._output_units = parts.charges.output_units
        # Where the order keeps no turns, a request that nobody stands before need not pass through it.
        self._passes_through = policy.order.passes_through and not policy.queue.keeps_homes
        self._hears_charges = policy.order.hears_charges

    # Requests come in.

    def start_at_once(self, request: Request, now_ms: int) -> EngineName | None:
        """Start a request for which an engine has a slot and before which nobody waits, on the engine
        returned. None: nothing has happened, `submit` it.

        The short way while nobody contends: every effect is that of `submit` and the `next` after it.
        """
        assert request.id not in self._tickets, "submitted twice"
        if not self._passes_through:
            return None
        capacity, waiting = self.capacity, self.tree.root.views
        is_plain = self._lanes is None and not request.engines
        pool = capacity.pool(request.model) if is_plain else self._contest.pool(request)
        if not self._picking.is_open(pool):
            return None
        if waiting and capacity.open_pools(waiting):
            return None  # whoever waits for an open pool may go first
        leaf = self.tree.leaf(request.tenant)
        if leaf.is_held_back or self._door.is_closed_to(request, leaf):
            return None
        if self._admission.refusal(request, leaf, now_ms) is not None:
            return None
        ticket = self._tickets[request.id] = self._ticket(request, leaf, pool, now_ms)
        self.tree.pass_through(leaf, pool)
        return self._running.start(ticket, now_ms)

    def submit(self, request: Request, now_ms: int) -> Submission:
        """Queue a request, or refuse it. At the global limit the newest waiting request of the
        tenant furthest over its share goes; the arrival only if it is that tenant's (always the
        arrival where the settings say that nothing is shed)."""
        assert request.id not in self._tickets, "submitted twice"
        pool = self._contest.pool(request)
        if not self.capacity.is_served(pool):
            message = f"No engine that serves {request.model} is up. Try again later."
            return self._refuse(Refusal(request, Outcome.NO_ENGINE, message, 5_000))
        leaf, door = self.tree.leaf(request.tenant), self._door
        if door.is_closed_to(request, leaf):
            return self._refuse(door.tenant_queue_full(request, leaf, now_ms))
        # It leaves the queue with the host's next call, so it takes nobody's place.
        pool = self._contest.pool_now(request, leaf)
        starts_at_once = pool not in self.tree.root.views and self._picking.is_open(pool)
        if not (self.settings.sheds or starts_at_once) and door.has_no_room_for(request):
            return self._refuse(door.queue_full(request, now_ms))
        refusal = self._admission.refusal(request, leaf, now_ms)
        if refusal is not None:
            return self._refuse(refusal)
        ticket = self._ticket(request, leaf, pool, now_ms)
        ticket.starts_before = self._history.starts
        self._wait(ticket)
        may_shed = self.settings.sheds and not starts_at_once
        shed = tuple(self._shed(now_ms)) if may_shed else ()
        if not shed:
            return _WAITS
        own = next((refusal for refusal in shed if refusal.request.id == request.id), None)
        return Submission(own, tuple(refusal for refusal in shed if refusal is not own))

    def cancel(self, request_id: RequestId, now_ms: int) -> None:
        """A waiting request's client has left. It will never start. O(log n)."""
        ticket = self._tickets[request_id]
        assert ticket.engine is None, "it runs: settle it"
        assert ticket.preempted_at is None, "it has run: settle it"
        self._leave(ticket, Outcome.CANCELLED_QUEUED, now_ms)

    def expire(self, now_ms: int) -> tuple[Refusal, ...]:
        """End those that have waited too long. Call at `next_expiry_ms` or soon after."""
        expired = []
        for ticket in self._deadlines.due(now_ms):
            self._leave(ticket, Outcome.QUEUED_TOO_LONG, now_ms)
            refusal = self._door.queued_too_long(ticket, now_ms)
            self._history.refused(refusal)
            expired.append(refusal)
        return tuple(expired)

    def next_expiry_ms(self) -> int | None:
        """When `expire` may next have something to do; None while nothing waits."""
        return self._deadlines.next_ms()

    # Requests start, run and end.

    def next(self, now_ms: int) -> Start | None:
        """The request to start and its engine. Call whenever a request or a slot has appeared, until
        the answer is None: then no slot is free that anybody waits for."""
        ticket = self._picking.next(now_ms)
        if ticket is None:
            return None
        self._picking.started(ticket)
        self._deadlines.tidy(self.backlog.requests)
        if ticket.preempted_at is None:
            self._charges.expect(ticket)  # anew: more is known than when it came
        counters = counters_of(ticket.leaf, ticket.pool)
        engine = self._running.start(ticket, now_ms)
        self._history.started(ticket, counters, now_ms)
        return Start(ticket.request, engine, now_ms - ticket.queued_ms)

    def ahead(self, now_ms: int) -> Request | None:
        """The request that `next` would start at this moment. Changes nothing: a host that has to see
        first whether it fits may ask at every step."""
        ticket = self._picking.next(now_ms)
        return None if ticket is None else ticket.request

    def produced(self, request_id: RequestId, tokens: int, now_ms: int) -> None:
        """So many more output tokens have come. O(depth); free while they were predicted."""
        assert tokens >= 0
        ticket = self._tickets[request_id]
        assert ticket.engine is not None
        ticket.produced_tokens = produced = ticket.produced_tokens + tokens
        unpaid = produced - ticket.paid_tokens
        if unpaid <= 0 and not self._measures_time:
            return
        if now_ms >= self._rate.second_ends_ms:
            self._rate.roll(now_ms)
        if self._output_units is not None:
            ticket.paid_tokens, units = produced, unpaid * self._output_units
        else:
            units = self._charges.produced(ticket, self.capacity.engines[ticket.engine], now_ms)
        ticket.units += units
        # Charges are a hundred times as frequent as starts: no call for each.
        for node in ticket.leaf.lineage:
            node.virtual += units * node.ticks_per_unit
        if self._hears_charges:
            self._order.charged(ticket, units, now_ms)

    def produced_in_all(self, totals: Iterable[tuple[RequestId, int]], now_ms: int) -> None:
        """So many output tokens of each are there in all: as `produced` of what is new, but faster."""
        units = None if self._hears_charges else self._output_units
        for ticket, new in self._running.produced_in_all(self._tickets, totals, units, now_ms):
            self.produced(ticket.request.id, new, now_ms)

    def settle(
        self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int
    ) -> Settlement:
        """End a started request: the charge becomes what it really used. Exactly once."""
        ticket = self._tickets.pop(request_id)
        request, engine = ticket.request, ticket.engine or ticket.preempted_at
        assert engine is not None, "it waits: cancel it"
        if ticket.engine is None:
            self._wait_no_more(ticket)
        engine_us = self._running.engine_us(ticket, now_ms) if self._measures_time else None
        units = self._charges.final(ticket, usage, engine_us)
        ticket.produced_tokens = usage.output_tokens
        corrected = self._running.end(ticket, units, now_ms)
        self._charges.learn(ticket, usage, outcome, engine_us, now_ms)
        self._admission.ended(request, ticket.leaf, usage, outcome, now_ms)
        if now_ms >= self._upkeep.due_ms:
            self._upkeep.go(now_ms)
        return Settlement(request, outcome, engine, units, corrected)

    def prompt_counted(
        self, request_id: RequestId, input_tokens: int, cached_tokens: int | None, now_ms: int
    ) -> None:
        """The engine has said how long a running request's prompt is, and how much of it was cached
        (None: not that): its start's charge is corrected, and what is believed of the cache."""
        assert cached_tokens is None or 0 <= cached_tokens <= input_tokens
        ticket = self._tickets[request_id]
        assert ticket.engine is not None
        self._running.prompt_counted(ticket, input_tokens, cached_tokens, now_ms)

    def preempted(self, request_id: RequestId, now_ms: int) -> None:
        """Its engine took a running request back to its queue, for want of memory. It competes again, at
        its place by arrival; what it was charged stays, and `next` starts it without a charge. It cannot
        be cancelled, shed or expire: `settle` ends it, also while it waits."""
        ticket = self._tickets[request_id]
        assert ticket.engine is not None, "it does not run"
        self._running.preempt(ticket, now_ms)
        ticket.pool = self._contest.pool_again(ticket)
        ticket.starts_before = self._history.starts
        self._picking.enter(ticket)

    def try_again_elsewhere(self, request_id: RequestId, now_ms: int) -> bool:
        """Its engine failed before the first byte. True: it waits again, at its place by arrival,
        for any engine but that one, and what it was charged is refunded. False: no other engine
        serves its model, or this was its second try; the host settles it."""
        ticket = self._tickets[request_id]
        engine = ticket.engine
        assert engine is not None
        pool = self.capacity.without(self._contest.pool(ticket.request), engine)
        if ticket.has_failed_once or not self.capacity.is_served(pool):
            return False
        self._running.end(ticket, 0, now_ms)
        ticket.engine, ticket.failed_engine = None, engine
        ticket.pool = self._contest.pool_again(ticket)
        ticket.first_try_ms = now_ms - ticket.queued_ms
        ticket.queued_ms = now_ms  # the time at the first engine was no waiting
        ticket.produced_tokens, ticket.starts_before = 0, self._history.starts
        self._wait(ticket)
        return True

    def charged_elsewhere(self, tenant: TenantPath, units: int, now_ms: int) -> None:
        """Another host of the same core has charged a leaf so many units, net of refunds: they count for
        whose turn it is, and for nothing else. O(depth)."""
        assert units > 0, "what was refunded elsewhere is taken off the next charge"
        leaf = self.tree.leaf(tenant)
        self.tree.burden(leaf, units)
        if self._hears_charges:
            self._order.charged_elsewhere(leaf, units, now_ms)

    # Engines change.

    def engine_changed(
        self, name: EngineName, *, window: int, models: Collection[ModelName]
    ) -> None:
        """An engine appeared, or its window (0: it takes nothing more) or models changed."""
        before = self.capacity.engines.get(name)
        serves_others = before is None or before.models != set(models)
        if before is not None and self.prefixes is not None and serves_others:
            self.prefixes.forget(name)
        self.capacity.change(name, window=window, models=models)
        self._placement.engine_changed(self.capacity.engines[name])
        if serves_others:
            self._contest.engines_changed()
        if self._keeps_homes:
            self._where.home_anew(self._tickets.values())

    def engine_held(self, name: EngineName, *, slots: int) -> None:
        """So many slots of an engine's window are not to be given away from here on, though nothing of
        ours is in flight in them. It stays up."""
        self.capacity.hold(name, slots)

    def engine_told(self, name: EngineName, *, waiting: int, may_take_more: bool) -> None:
        """So many requests wait inside an engine, and it may be able to run more than its window."""
        self.capacity.told(name, waiting=waiting, may_take_more=may_take_more)

    def evicted(self, name: EngineName, prefix: bytes, trust_domain: TrustDomain) -> None:
        """An engine's cache has dropped this prefix and all that continues it; `b""` is everything."""
        if self.prefixes is not None:
            self.prefixes.evicted(trust_domain, name, prefix)

    def restarted(self, name: EngineName) -> None:
        """An engine came back with an empty cache."""
        if self.prefixes is not None:
            self.prefixes.forget(name)

    def stored(self, name: EngineName, prefix: bytes, trust_domain: TrustDomain) -> None:
        """An engine's cache is known to hold this prefix."""
        if self.prefixes is not None and prefix:
            self.prefixes.stored(trust_domain, name, prefix)

    def cache_sized(
        self, name: EngineName, tokens_max: int | None, block_tokens: int | None
    ) -> None:
        """An engine's cache holds no more than so many tokens, in blocks of so many; None: unknown."""
        if self.prefixes is not None:
            self.prefixes.sized(name, tokens_max, block_tokens)

    # Tenants change.

    def hold_back(self, tenant: TenantPath) -> None:
        """What waits and comes at a leaf does not compete until `let_go`: it has as much of something
        else as it may. O(open requests)."""
        self._contest.hold(self.tree.leaf(tenant), is_held_back=True)

    def let_go(self, tenant: TenantPath) -> None:
        """It competes again, at the places by arrival; like whoever begins to wait it is lifted to those
        who wait already."""
        self._contest.hold(self.tree.leaf(tenant), is_held_back=False)

    def plan(self, changes: Iterable[TreeChange]) -> TreePlan | TreeProblem:
        """Check changes of the share tree; nothing is changed. A plan holds until the tree has
        changed."""
        return plan_changes(self.tree, changes)

    def apply(self, plan: TreePlan) -> None:
        """Carry out a plan that still holds. It cannot fail."""
        self._reshape.apply(plan)

    def obstacles(self, settings: SchedulerSettings) -> tuple[str, ...]:
        """Why the policy, lanes and limits of these settings cannot take the place of those in force;
        none: they can, at this moment. Changes nothing. Tenants are changed by `apply`."""
        return tuple(obstacles(self.settings, settings, self._base))

    def exchange(self, settings: SchedulerSettings, now_ms: int) -> None:
        """Go by another policy, other lanes and limits from here on; there are no `obstacles`. Nobody
        loses its place by arrival, its counters or what it has. O(open requests)."""
        settings = replace(settings, tenants=self.settings.tenants)
        self.settings = settings
        self._take(exchange(self._parts, settings, self._base, now_ms))
        self._reshape.parts_changed(self._picking, self._parts.memories.gone)
        self._upkeep.memories_changed(self._parts.memories)

    # Questions.

    @property
    def prediction_errors(self) -> PredictionErrors:
        """How wrong predictions were so far."""
        return self._charges.errors

    def why(self, request_id: RequestId, now_ms: int) -> Explanation | None:
        """Why a request waits, waited before it was started, or was refused. None: it never waited, or
        that is too long ago."""
        ticket = self._tickets.get(request_id)
        if ticket is not None and ticket.engine is None:
            return explain_waiting(ticket, self.backlog, self._history, now_ms)
        past = self._history.of(request_id)
        return None if past is None else explain_past(past, self._history)

    def standing(self, request_id: RequestId) -> tuple[int, ...]:
        """Of a request's tenant, as a key for sorting: who has received most for its weight is greatest.
        Compares siblings, from the top of the tree down."""
        ticket = self._tickets[request_id]
        return counters_of(ticket.leaf, ticket.pool)[::-1]

    def served_units(self, tenant: TenantPath) -> int:
        """All that a leaf was charged here so far."""
        return self.tree.leaf(tenant).service_units

    def lane_standings(self, now_ms: int) -> tuple[LaneStanding, ...]:
        """Each lane in order of precedence; none where there are no lanes."""
        return self._lanes.standings(self.capacity.window, now_ms) if self._lanes else ()

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
        return self._door.retry_after_ms(self.tree.leaf(tenant), now_ms)

    def overload(self) -> OverloadStatus | None:
        """How loaded the engines are and what is done about it; None where the policy does not ask."""
        return self._admission.overload()

    def request_units_max(self, input_tokens: int, output_tokens: int) -> int | None:
        """The most that a request of no more tokens than these can cost; None: no tokens bound it."""
        return self._charges.units_max(input_tokens, output_tokens)

    def open_requests(self) -> int:
        """Waiting and running."""
        return len(self._tickets)

    def open_units(self) -> int:
        """What open requests are charged at this moment; the rest of all charges is settled."""
        return sum(ticket.units for ticket in self._tickets.values())

    @property
    def request_units_peak(self) -> int:
        """The most that any request was charged at any moment so far. O(open requests)."""
        charged = (ticket.units for ticket in self._tickets.values())
        return max(self._running.units_peak, max(charged, default=0))

    # Inside.

    def _ticket(self, request: Request, leaf: Node, pool: Pool, now_ms: int) -> Ticket:
        self._sequence = sequence = self._sequence + 1
        lane = None if self._lanes is None else self._lanes.lane(request.lane)
        return self._charges.ticket(
            request, leaf, pool, sequence=sequence, now_ms=now_ms, lane=lane
        )

    def _wait(self, ticket: Ticket) -> None:
        self._tickets[ticket.request.id] = ticket
        self._picking.enter(ticket)
        self._deadlines.add(ticket)

    def _wait_no_more(self, ticket: Ticket) -> None:
        self._picking.leave(ticket)
        self._deadlines.tidy(self.backlog.requests)

    def _leave(self, ticket: Ticket, outcome: Outcome, now_ms: int) -> None:
        """It ends while it waits."""
        self._wait_no_more(ticket)
        del self._tickets[ticket.request.id]
        self._admission.ended(ticket.request, ticket.leaf, NO_USAGE, outcome, now_ms)

    def _refuse(self, refusal: Refusal) -> Submission:
        self._history.refused(refusal)
        return Submission(refusal)

    def _shed(self, now_ms: int) -> Iterator[Refusal]:
        while (found := self._door.to_shed()) is not None:
            ticket, what = found
            self._leave(ticket, Outcome.SHED, now_ms)
            refusal = self._door.shed(ticket, what, now_ms)
            self._history.refused(refusal)
            yield refusal
