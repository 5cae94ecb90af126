"""A Hypothesis machine that drives the scheduler's surface and checks every promise after each step.

The machine keeps its own books (who waits, what runs where, what each tenant was charged) and compares.
Each promise has a file of its own: what goes next (`expected_picks.py`), the bound (`bound_promise.py`),
the lift (`lift_promise.py`), throttling (`oit_promise.py`); here are the steps and the books.
"""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evenhand.model import (
    EngineName,
    LaneName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    TenantPath,
    TrustDomain,
    Usage,
)
from evenhand.scheduling import (
    Node,
    QueueLimits,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    compose,
    tenant_paths,
)
from evenhand.scheduling.cost.protocol import Work
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.ticket import Ticket
from properties import oit_promise
from properties.bound_promise import BoundWatch
from properties.expected_picks import AGE_S, EXPECTATIONS, QUANTUM_TOKENS, Anything
from properties.lift_promise import LiftWatch
from properties.machine_ground import (
    ARRIVALS,
    BODY_BYTES_MAX,
    BY_NAME,
    COST,
    GROUNDS,
    INPUT_TOKENS_MAX,
    LANES,
    OUTPUT_TOKENS_MAX,
    PREFIXES,
    TREES,
    WAIT_MS_MAX,
    Arrival,
    Ground,
)

REQUESTS_MAX, BYTES_MAX = 24, 5_000
DIALS = {
    "quantum_tokens": QUANTUM_TOKENS,
    "prefix_age_s": AGE_S,
    "engine_quantum_tokens": 50,
    "half_life_s": 2,
    **oit_promise.DIALS,
}
_OF_LANE = {"a": LANES[0].name, "b": LANES[0].name, "c": LANES[2].name}


class SchedulerMachine(RuleBasedStateMachine):
    """Every promise, whatever the preset; the bound where it is fair, the rest everywhere."""

    preset: ClassVar[str] = "vtc"
    grounds: ClassVar[Sequence[Ground]] = GROUNDS
    expects_anything: ClassVar[bool] = False
    """Whatever can start may be next: for controls of the other promises."""
    seen: ClassVar[Counter[str]] = Counter()
    """What happened in all examples of the class, so that a test can ask whether enough did."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0
        self.count = 0
        self.settled_units = 0
        self.waiting: dict[RequestId, Request] = {}
        self.running: dict[RequestId, EngineName] = {}
        self.produced: dict[RequestId, int] = {}
        self.tried: set[RequestId] = set()
        self.preempted_units: dict[RequestId, int] = {}
        self.leaf_of: dict[RequestId, Node] = {}

    @initialize(
        data=st.data(),
        tree=st.sampled_from(TREES),
        prediction=st.sampled_from(["none", "running-mean"]),
        default_tokens=st.integers(0, OUTPUT_TOKENS_MAX),
    )
    def build(
        self,
        data: st.DataObject,
        tree: tuple[TenantShare, ...],
        prediction: str,
        default_tokens: int,
    ) -> None:
        self.ground = data.draw(st.sampled_from(self.grounds))
        dials = {p.name for p in compose(self.preset, prediction=prediction).parameters()}
        settings = {name: value for name, value in DIALS.items() if name in dials}
        self.scheduler = Scheduler(
            SchedulerSettings(
                tenants=tree,
                policy=compose(self.preset, prediction=prediction, settings=settings),
                cost=COST,
                limits=QueueLimits(
                    requests_max=REQUESTS_MAX, bytes_max=BYTES_MAX, tenant_requests_max=12
                ),
                output_tokens_default=default_tokens,
                lanes=self.ground.lanes,
                forget_after_ms=4_000,
            )
        )
        policy = self.scheduler.settings.policy
        expected = Anything if self.expects_anything else EXPECTATIONS[self.preset]
        self.expected = expected(self.scheduler)
        self.bound = BoundWatch(self.scheduler) if policy.is_fair else None
        self.calls = oit_promise.CallBook()
        self.leaves = list(tenant_paths(tree))
        self.models = {EngineName(name): models for name, models in self.ground.engines.items()}
        for name in self.models:
            self._set_window(name, 1)

    # Requests come and start.

    @rule(data=st.data(), arrivals=st.lists(ARRIVALS, min_size=1, max_size=6))
    def submit(self, data: st.DataObject, arrivals: list[Arrival]) -> None:
        for arrival in arrivals:
            self._submit(self._request(data, arrival), tries_at_once=arrival.size % 2 == 0)

    def _request(self, data: st.DataObject, arrival: Arrival) -> Request:
        self.count += 1
        tenant = self.leaves[arrival.place % len(self.leaves)]
        models = self.ground.models
        return Request(
            id=RequestId(f"r{self.count}"),
            tenant=tenant,
            lane=self._lane_of(data, tenant),
            model=ModelName(models[arrival.place // 7 % len(models)]),
            body_bytes=arrival.size,
            prompt_tokens=arrival.tokens,
            output_tokens_max=arrival.output,
            choices=arrival.choices,
            queue_wait_ms_max=WAIT_MS_MAX,
            application=arrival.kind.application,
            interaction=arrival.kind.interaction,
            prefix=arrival.kind.prefix,
        )

    def _submit(self, request: Request, *, tries_at_once: bool) -> None:
        self.calls.arrives(len(self.waiting), self.now_ms)
        if tries_at_once:
            engine = self.scheduler.start_at_once(request, self.now_ms)
            if engine is not None:
                assert not self._may_start(), "it passed somebody by"
                self.seen["passed through"] += 1
                self._came(request)
                self._note_start(self._ticket(request.id), engine)
                return
        self._queue(request)

    def _queue(self, request: Request) -> None:
        leaf = self.scheduler.tree.leaf(request.tenant)
        pool = self.scheduler._contest.pool_now(request, leaf)
        lift = LiftWatch(self.scheduler, pool)
        submission = self.scheduler.submit(request, self.now_ms)
        if submission.refused is None:
            self.waiting[request.id] = request
            self._came(request)
            self.seen["into an empty queue"] += lift.begins_in_an_empty_queue
            if self.scheduler.settings.policy.order.lifts:
                lift.check(leaf)
        elif submission.refused.outcome is Outcome.THROTTLED:
            self.seen["throttled"] += 1
            self.calls.throttled(request, leaf, self.now_ms)
        elif submission.refused.outcome is Outcome.SHED and self.bound:
            self.bound.queued(leaf, pool)
        for refusal in submission.shed:
            assert refusal.outcome is Outcome.SHED
            self._gone_unserved(refusal.request)
        # One arrival per pool may be about to start, and takes nobody's place.
        about_to_start = len(self.scheduler.tree.root.views)
        assert len(self.waiting) <= REQUESTS_MAX + about_to_start
        waiting_bytes = sum(r.body_bytes for r in self.waiting.values())
        assert waiting_bytes <= BYTES_MAX + BODY_BYTES_MAX * about_to_start

    @rule(times=st.integers(1, 8))
    def start(self, times: int) -> None:
        for _ in range(times):
            may_start = self._may_start()
            if not may_start:
                assert self.scheduler.next(self.now_ms) is None
                return
            is_right = self.expected.check(may_start, self.now_ms)
            started = self.scheduler.next(self.now_ms)
            assert started is not None, "a slot is free and somebody who could use it waits"
            ticket = self._ticket(started.request.id)
            assert is_right(ticket), "another one is next"
            del self.waiting[started.request.id]
            self._note_start(ticket, started.engine)

    @rule(data=st.data(), tokens=st.integers(0, OUTPUT_TOKENS_MAX))
    @precondition(lambda self: self.running)
    def produce(self, data: st.DataObject, tokens: int) -> None:
        request = self._draw_running(data)
        room = (request.output_tokens_max or 0) * request.choices - self.produced[request.id]
        tokens = min(tokens, room)
        self.produced[request.id] += tokens
        self.scheduler.produced(request.id, tokens, self.now_ms)

    @rule(
        data=st.data(),
        input_tokens=st.integers(0, INPUT_TOKENS_MAX),
        cached=st.integers(0, INPUT_TOKENS_MAX),
        outcome=st.sampled_from([Outcome.COMPLETED, Outcome.CANCELLED_RUNNING]),
    )
    @precondition(lambda self: self.running)
    def settle(self, data: st.DataObject, input_tokens: int, cached: int, outcome: Outcome) -> None:
        request = self._draw_running(data)
        usage = Usage(input_tokens, self.produced[request.id], min(cached, input_tokens))
        self._settle(request, usage, outcome)

    def _settle(self, request: Request, usage: Usage, outcome: Outcome) -> None:
        ticket = self._ticket(request.id)
        if self.scheduler.settings.policy.cost.name == "weighted-tokens":
            units = COST.of(usage)
        else:
            work = Work(usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
            units = self.scheduler._charges.cost.units(work, ticket.pinned)
        expected_units = self._price(request, units)
        settlement = self.scheduler.settle(request.id, usage, outcome, self.now_ms)
        assert settlement.units == expected_units, "the last charge is the real cost"
        self.settled_units += settlement.units
        del self.running[request.id], self.leaf_of[request.id]

    # They leave, and time passes.

    @rule(data=st.data())
    @precondition(lambda self: self.waiting.keys() - self.preempted_units.keys())
    def cancel(self, data: st.DataObject) -> None:
        never_ran = sorted(self.waiting.keys() - self.preempted_units.keys())
        request = self.waiting[data.draw(st.sampled_from(never_ran))]
        self._gone_unserved(request)
        self.scheduler.cancel(request.id, self.now_ms)

    @rule(ms=st.integers(0, 3_000))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms
        for refusal in self.scheduler.expire(self.now_ms):
            assert refusal.outcome is Outcome.QUEUED_TOO_LONG
            self._gone_unserved(refusal.request)
        soonest = self.scheduler.next_expiry_ms()
        assert soonest is None or soonest > self.now_ms

    @rule(data=st.data())
    def window_changes(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.models)))
        self._set_window(name, data.draw(st.integers(0, self.ground.window_max)))

    @rule(data=st.data(), leaves=st.booleans())
    @precondition(lambda self: self.running)
    def engine_fails(self, data: st.DataObject, leaves: bool) -> None:
        """It loses what it has, and is gone for a while or comes back with an empty cache."""
        name = self.running[data.draw(st.sampled_from(sorted(self.running)))]
        if leaves:
            self._set_window(name, 0)
        else:
            self.scheduler.restarted(name)
        for request_id in sorted(r for r, engine in self.running.items() if engine == name):
            request = self._ticket(request_id).request
            again = self.ground.tries_again and self.scheduler.try_again_elsewhere(
                request_id, self.now_ms
            )
            if not again:
                usage = Usage(request.prompt_tokens or 0, self.produced[request_id])
                self._settle(request, usage, Outcome.ENGINE_FAILED)
                continue
            assert request_id not in self.tried, "two dispatches in all"
            self.seen["tried again"] += 1
            self.tried.add(request_id)
            del self.running[request_id]
            self.waiting[request_id] = request
            self._noted_in_pool(self._ticket(request_id))

    @rule(
        data=st.data(),
        input_tokens=st.integers(0, INPUT_TOKENS_MAX),
        cached=st.none() | st.integers(0, INPUT_TOKENS_MAX),
    )
    @precondition(lambda self: self.running)
    def prompt_counted(self, data: st.DataObject, input_tokens: int, cached: int | None) -> None:
        request = self._draw_running(data)
        cached = None if cached is None else min(cached, input_tokens)
        self.scheduler.prompt_counted(request.id, input_tokens, cached, self.now_ms)
        self.seen["prompts counted"] += 1

    @rule(data=st.data(), times=st.integers(1, 3))
    @precondition(lambda self: self.running and self.ground.is_inside)
    def preempted(self, data: st.DataObject, times: int) -> None:
        for _ in range(min(times, len(self.running))):
            request = self._draw_running(data)
            units = self._ticket(request.id).units
            self.scheduler.preempted(request.id, self.now_ms)
            del self.running[request.id]
            self.waiting[request.id] = request
            self.preempted_units[request.id] = units
            self._noted_in_pool(self._ticket(request.id))

    @rule(data=st.data())
    @precondition(lambda self: self.preempted_units)
    def preempted_ends(self, data: st.DataObject) -> None:
        request_id = data.draw(st.sampled_from(sorted(self.preempted_units)))
        request = self.waiting.pop(request_id)
        self.running[request_id] = EngineName("none of them")
        del self.preempted_units[request_id]
        self.seen["ended while preempted"] += 1
        usage = Usage(request.prompt_tokens or 0, self.produced[request_id])
        self._settle(request, usage, Outcome.CANCELLED_RUNNING)

    @rule(data=st.data(), is_held=st.booleans())
    @precondition(lambda self: self.ground.is_inside)
    def hold(self, data: st.DataObject, is_held: bool) -> None:
        tenant = data.draw(st.sampled_from(self.leaves))
        (self.scheduler.hold_back if is_held else self.scheduler.let_go)(tenant)
        leaf = self.scheduler.tree.leaf(tenant)
        assert leaf.is_held_back == is_held
        for request_id in self.waiting:
            if self.leaf_of[request_id] is leaf:
                self._noted_in_pool(self._ticket(request_id))
                assert not (is_held and self._ticket(request_id).pool.engines)

    @rule(data=st.data(), models=st.sampled_from([("m1",), ("m1", "m2"), ("m2",)]))
    @precondition(lambda self: self.ground.models_change)
    def engine_serves_others(self, data: st.DataObject, models: tuple[str, ...]) -> None:
        name = data.draw(st.sampled_from(sorted(self.models)))
        self.models[name] = models
        self._set_window(name, self.scheduler.capacity.engines[name].window)

    @rule(data=st.data(), prefix=st.sampled_from(PREFIXES), is_stored=st.booleans())
    @precondition(lambda self: self.scheduler.settings.policy.asks_prefixes)
    def cache_changes(self, data: st.DataObject, prefix: bytes, is_stored: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.models)))
        tell = self.scheduler.stored if is_stored else self.scheduler.evicted
        tell(name, prefix, TrustDomain(""))

    @rule(data=st.data(), tokens=st.none() | st.integers(0, 400), block=st.none() | st.just(16))
    @precondition(lambda self: self.scheduler.settings.policy.asks_prefixes)
    def cache_sized(self, data: st.DataObject, tokens: int | None, block: int | None) -> None:
        name = data.draw(st.sampled_from(sorted(self.models)))
        self.scheduler.cache_sized(name, tokens, block)

    def _set_window(self, name: EngineName, window: int) -> None:
        models = [ModelName(model) for model in self.models[name]]
        self.scheduler.engine_changed(name, window=window, models=models)

    # Promises.

    @invariant()
    def siblings_stay_within_the_bound(self) -> None:
        self.seen["steps"] += 1
        if self.bound is not None:
            if self.ground.models_change:  # who waits is put into other pools
                for request_id in self.waiting:
                    self._noted_in_pool(self._ticket(request_id))
            self.bound.check()

    @invariant()
    def charges_are_conserved(self) -> None:
        """F5: charged = settled + open, at every node, in integers."""
        root = self.scheduler.tree.root
        assert root.service_units == self.settled_units + self.scheduler.open_units()
        for node in self.scheduler.tree.nodes():
            self._check_charges(node)

    def _check_charges(self, node: Node) -> None:
        if node.children:
            children = node.children.values()
            assert node.service_units == sum(child.service_units for child in children)

    @invariant()
    def books_agree(self) -> None:
        """What waits and runs by our own account is what the core counts, at every node."""
        assert self.scheduler.open_requests() == len(self.waiting) + len(self.running)
        on_engine = Counter(self.running.values())
        for engine in self.scheduler.capacity.engines.values():
            assert engine.in_flight == on_engine[engine.name]
        queued, queued_bytes = Counter[Node](), Counter[Node]()
        running: Counter[Node] = Counter()
        for request in self.waiting.values():
            for node in self.leaf_of[request.id].lineage:
                queued[node] += 1
                queued_bytes[node] += request.body_bytes
        for request_id in self.running:
            running.update(self.leaf_of[request_id].lineage)
        for node in self.scheduler.tree.nodes():
            assert node.queued_requests == queued[node]
            assert node.queued_bytes == queued_bytes[node]
            assert node.running_requests == running[node]
            assert (node.queued_units > 0) <= bool(queued[node])
            waiting = [child for child in node.children.values() if queued[child]]
            assert set(node.waiting_children) == set(waiting)
            assert node.waiting_weight == sum(child.weight for child in waiting)

    @invariant()
    def the_core_keeps_nothing_of_the_dead(self) -> None:
        """Cancelled and ended requests leave no more than a bounded trace."""
        self.expected.settle_down()
        assert len(self.scheduler._deadlines) <= 2 * len(self.waiting) + 64 + 2
        nodes = list(self.scheduler.tree.nodes())
        for node in nodes:
            for view in node.views.values():
                assert len(view), "an empty view stays"
                assert len(view._heap) <= 2 * len(view) + 64 + 2
        order = self.scheduler._order
        for kept in ("_fields", "_rings"):
            of_pools = getattr(order, kept, None)
            if of_pools is not None:
                assert set(of_pools) == {(node, pool) for node in nodes for pool in node.views}
        for (node, pool), field in getattr(order, "_fields", {}).items():
            for heap in field._heaps.values():
                assert len(heap) <= 2 * len(node.views[pool]) + 64 + 2

    def teardown(self) -> None:
        bound = getattr(self, "bound", None)
        if bound is not None:
            self.seen["pairs compared"] += bound.pairs_compared
            self.seen["largest gap, %"] = max(
                self.seen["largest gap, %"], int(100 * bound.gap_largest)
            )

    # The machine's own view.

    def _came(self, request: Request) -> None:
        leaf = self.leaf_of[request.id] = self._ticket(request.id).leaf
        self.calls.admitted(request, leaf)
        self._noted_in_pool(self._ticket(request.id))

    def _noted_in_pool(self, ticket: Ticket) -> None:
        if self.bound is not None:
            self.bound.queued(ticket.leaf, ticket.pool)

    def _note_start(self, ticket: Ticket, engine: EngineName) -> None:
        self.running[ticket.request.id] = engine
        before = self.preempted_units.pop(ticket.request.id, None)
        if before is None:
            self.produced[ticket.request.id] = 0
        else:
            assert ticket.units == before, "nobody pays twice for a start"
            self.seen["started again"] += 1
        if self.bound is not None:
            self.bound.in_flight(len(self.running))

    def _gone_unserved(self, request: Request) -> None:
        del self.waiting[request.id]
        self.calls.never_ran(request, self.leaf_of.pop(request.id))

    def _ticket(self, request_id: RequestId) -> Ticket:
        return self.scheduler._tickets[request_id]

    def _draw_running(self, data: st.DataObject) -> Request:
        return self._ticket(data.draw(st.sampled_from(sorted(self.running)))).request

    def _lane_of(self, data: st.DataObject, tenant: TenantPath) -> LaneName:
        if self.ground.lane_of_tenant:
            return _OF_LANE.get(tenant[0], LANES[0].name)
        return data.draw(st.sampled_from([lane.name for lane in LANES]))

    def _price(self, request: Request, units: int) -> int:
        if not self.ground.lanes:
            return units
        return ceil(Fraction(units * BY_NAME[request.lane].price_percent, 100))

    def _may_start(self) -> list[Ticket]:
        """F3: those that wait and for which some engine has a slot; of the lanes whose turn it is."""
        tickets = [self._ticket(request_id) for request_id in self.waiting]
        return [ticket for ticket in tickets if self._is_open(ticket.pool)]

    def _is_open(self, pool: Pool) -> bool:
        engines = self.scheduler.capacity.engines
        return any(e.in_flight + e.held < e.window for e in map(engines.__getitem__, pool.engines))
