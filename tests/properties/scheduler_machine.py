"""A Hypothesis machine that drives the scheduler's surface and checks every promise after each step.

The machine keeps its own books (who waits, what each tenant was charged) and compares. It knows the
counters only through the tree's nodes, and recomputes each pick by brute force.
"""

from fractions import Fraction

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
    Usage,
)
from evenhand.scheduling import (
    VIRTUAL_PER_UNIT,
    Lane,
    Node,
    QueueLimits,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
    compose,
    tenant_paths,
)
from evenhand.scheduling.pool import Pool

INPUT_TOKENS_MAX = 60
OUTPUT_TOKENS_MAX = 40
CHOICES_MAX = 2
COST = TokenWeights(input=10, cached_input=1, output=20)
REQUEST_UNITS_MAX = INPUT_TOKENS_MAX * COST.input + CHOICES_MAX * OUTPUT_TOKENS_MAX * COST.output
WAIT_MS_MAX = 5_000


def share(name: str, weight: int = 1, *children: TenantShare) -> TenantShare:
    return TenantShare(name=name, weight=weight, children=children)


TREES = [
    (share("a"), share("b")),
    (share("a", 1), share("b", 2), share("c", 5)),
    (share("a", 2, share("x"), share("y", 3)), share("b", 1, share("x"), share("y"))),
    (share("a", 3, share("t", 1, share("u"), share("v", 2)), share("w")), share("b"), share("c")),
]


class SchedulerMachine(RuleBasedStateMachine):
    """Every promise that holds with any number of models, engines and failures."""

    models: tuple[ModelName, ...] = (ModelName("m1"), ModelName("m2"))
    engines: dict[str, tuple[str, ...]] = {"e1": ("m1",), "e2": ("m1", "m2"), "e3": ("m2",)}
    window_max = 3
    preset = "vtc"
    parameters: dict[str, int] = {}
    lanes: tuple[Lane, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0
        self.count = 0
        self.settled_units = 0
        self.waiting: dict[RequestId, Request] = {}
        self.running: dict[RequestId, Request] = {}
        self.produced: dict[RequestId, int] = {}
        self.tried: set[RequestId] = set()

    @initialize(
        tree=st.sampled_from(TREES),
        prediction=st.sampled_from(["none", "running-mean"]),
        default_tokens=st.integers(0, OUTPUT_TOKENS_MAX),
    )
    def build(self, tree: tuple[TenantShare, ...], prediction: str, default_tokens: int) -> None:
        self.scheduler = Scheduler(
            SchedulerSettings(
                tenants=tree,
                policy=compose(self.preset, prediction=prediction, settings=self.parameters),
                cost=COST,
                limits=QueueLimits(requests_max=24, bytes_max=5_000, tenant_requests_max=12),
                output_tokens_default=default_tokens,
                lanes=self.lanes,
            )
        )
        self.leaves = list(tenant_paths(tree))
        for name, models in self.engines.items():
            self.scheduler.engine_changed(
                EngineName(name), window=1, models=[ModelName(m) for m in models]
            )

    # Steps.

    @rule(
        data=st.data(),
        tokens=st.integers(0, INPUT_TOKENS_MAX),
        output=st.integers(0, OUTPUT_TOKENS_MAX),
        choices=st.integers(1, CHOICES_MAX),
        size=st.integers(0, 400),
    )
    def submit(
        self, data: st.DataObject, tokens: int, output: int, choices: int, size: int
    ) -> None:
        self.count += 1
        tenant = data.draw(st.sampled_from(self.leaves))
        request = Request(
            id=RequestId(f"r{self.count}"),
            tenant=tenant,
            lane=self._lane_of(data, tenant),
            model=data.draw(st.sampled_from(self.models)),
            body_bytes=size,
            prompt_tokens=tokens,
            output_tokens_max=output,
            choices=choices,
            queue_wait_ms_max=WAIT_MS_MAX,
            prefix=self._prefix(data),
        )
        pool = self.scheduler._pool(request)
        before = self._presents(pool)
        counters = {node: node.counter(pool) for node in self.scheduler.tree.nodes()}
        waited = {node for node in counters if pool in node.waiting_pools}
        submission = self.scheduler.submit(request, self.now_ms)
        if submission.refused is None:
            self.waiting[request.id] = request
            self._check_lift(request, pool, before, counters, waited)
        for refusal in submission.shed:
            assert refusal.outcome is Outcome.SHED
            del self.waiting[refusal.request.id]
        # One arrival per pool may be about to start, and takes nobody's place.
        about_to_start = len(self.scheduler.tree.root.views)
        assert len(self.waiting) <= 24 + about_to_start
        assert sum(r.body_bytes for r in self.waiting.values()) <= 5_000 + 400 * about_to_start

    @rule(times=st.integers(1, 8))
    def start(self, times: int) -> None:
        for _ in range(times):
            expected = self._next_by_brute_force()
            started = self.scheduler.next(self.now_ms)
            if started is None:
                assert expected is None, "a slot is free and somebody who could use it waits"
                return
            assert started.request == expected
            self._note_start(started.request)

    @rule(data=st.data(), tokens=st.integers(0, OUTPUT_TOKENS_MAX))
    @precondition(lambda self: self.running)
    def produce(self, data: st.DataObject, tokens: int) -> None:
        request = self._draw(data, self.running)
        room = (request.output_tokens_max or 0) * request.choices - self.produced[request.id]
        tokens = min(tokens, room)
        self.produced[request.id] += tokens
        self.scheduler.produced(request.id, tokens, self.now_ms)

    @rule(
        data=st.data(),
        input_tokens=st.integers(0, INPUT_TOKENS_MAX),
        cached=st.integers(0, INPUT_TOKENS_MAX),
        outcome=st.sampled_from(
            [Outcome.COMPLETED, Outcome.CANCELLED_RUNNING, Outcome.ENGINE_FAILED]
        ),
    )
    @precondition(lambda self: self.running)
    def settle(self, data: st.DataObject, input_tokens: int, cached: int, outcome: Outcome) -> None:
        request = self._draw(data, self.running)
        usage = Usage(input_tokens, self.produced[request.id], min(cached, input_tokens))
        settlement = self.scheduler.settle(request.id, usage, outcome, self.now_ms)
        expected_units = self._price(request, COST.of(usage))
        assert settlement.units == expected_units, "the last charge is the real cost"
        self.settled_units += settlement.units
        del self.running[request.id]

    @rule(data=st.data())
    @precondition(lambda self: self.waiting)
    def cancel(self, data: st.DataObject) -> None:
        request = self._draw(data, self.waiting)
        self.scheduler.cancel(request.id, self.now_ms)
        del self.waiting[request.id]

    @rule(data=st.data())
    @precondition(lambda self: self.running and len(self.models) > 1)
    def engine_fails(self, data: st.DataObject) -> None:
        request = self._draw(data, self.running)
        again = self.scheduler.try_again_elsewhere(request.id, self.now_ms)
        if again:
            assert request.id not in self.tried, "two dispatches in all"
            self.tried.add(request.id)
            self.waiting[request.id] = self.running.pop(request.id)

    @rule(ms=st.integers(0, 3_000))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms
        for refusal in self.scheduler.expire(self.now_ms):
            assert refusal.outcome is Outcome.QUEUED_TOO_LONG
            del self.waiting[refusal.request.id]
        soonest = self.scheduler.next_expiry_ms()
        assert soonest is None or soonest > self.now_ms

    @rule(data=st.data())
    def window_changes(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.engines)))
        window = data.draw(st.integers(0, self.window_max))
        models = [ModelName(m) for m in self.engines[name]]
        self.scheduler.engine_changed(EngineName(name), window=window, models=models)

    # Promises.

    @invariant()
    def charges_are_conserved(self) -> None:
        """F5: charged = settled + open, at every node, in integers."""
        if not hasattr(self, "scheduler"):
            return
        root = self.scheduler.tree.root
        assert root.service_units == self.settled_units + self.scheduler.open_units()
        for node in self.scheduler.tree.nodes():
            if node.children:
                children = node.children.values()
                assert node.service_units == sum(child.service_units for child in children)

    @invariant()
    def books_agree(self) -> None:
        """What waits and runs by our own account is what the core counts, at every node."""
        if not hasattr(self, "scheduler"):
            return
        assert self.scheduler.open_requests() == len(self.waiting) + len(self.running)
        in_flight = sum(e.in_flight for e in self.scheduler.capacity.engines.values())
        assert in_flight == len(self.running)
        for node in self.scheduler.tree.nodes():
            beneath = [r for r in self.waiting.values() if node in self._lineage(r)]
            assert node.queued_requests == len(beneath)
            assert node.queued_bytes == sum(r.body_bytes for r in beneath)
            running = [r for r in self.running.values() if node in self._lineage(r)]
            assert node.running_requests == len(running)
            assert (node.queued_units > 0) <= bool(beneath)
            waiting = [c for c in node.children.values() if c.queued_requests]
            assert set(node.waiting_children) == set(waiting)
            assert node.waiting_weight == sum(child.weight for child in waiting)

    @invariant()
    def the_core_keeps_nothing_of_the_dead(self) -> None:
        """Cancelled and ended requests leave no more than a bounded trace."""
        if not hasattr(self, "scheduler"):
            return
        assert len(self.scheduler._deadlines) <= 2 * len(self.waiting) + 64 + 2
        for node in self.scheduler.tree.nodes():
            for view in node.views.values():
                assert len(view), "an empty view stays"
                assert len(view._heap) <= 2 * len(view) + 64 + 2

    # The machine's own view.

    def _draw(self, data: st.DataObject, among: dict[RequestId, Request]) -> Request:
        return among[data.draw(st.sampled_from(sorted(among)))]

    def _lane_of(self, data: st.DataObject, tenant: TenantPath) -> LaneName:
        del data, tenant
        return LaneName("default")

    def _price(self, request: Request, units: int) -> int:
        del request
        return units

    def _note_start(self, request: Request) -> None:
        del self.waiting[request.id]
        self.running[request.id] = request
        self.produced[request.id] = 0

    def _prefix(self, data: st.DataObject) -> bytes:
        """What the next request begins with; for policies that ask."""
        del data
        return b""

    def _pool_of(self, request: Request) -> Pool:
        return self.scheduler._tickets[request.id].pool

    def _lineage(self, request: Request) -> tuple[Node, ...]:
        return self.scheduler._tickets[request.id].leaf.lineage

    def _can_start(self, request: Request) -> bool:
        engines = self.scheduler.capacity.engines
        return any(engines[e].in_flight < engines[e].window for e in self._pool_of(request).engines)

    def _next_by_brute_force(self) -> Request | None:
        """The request that must be next, or None if nothing can start."""
        startable = self._may_start()
        node = self.scheduler.tree.root
        while startable and node.children:
            depth = len(node.path)
            keys = {
                (child.counter(self._pool_of(r)), child.index): child
                for r in startable
                for child in [self._lineage(r)[-2 - depth]]
            }
            node = keys[min(keys)]
            startable = [r for r in startable if node in self._lineage(r)]
        return min(startable, key=self._sequence_of, default=None)

    def _may_start(self) -> list[Request]:
        return [r for r in self.waiting.values() if self._can_start(r)]

    def _sequence_of(self, request: Request) -> int:
        return self.scheduler._tickets[request.id].sequence

    def _presents(self, pool: Pool) -> dict[Node, int]:
        """For each inner node, where somebody who begins to wait for the pool must stand at least:
        the least of those who wait for it; if none do, by engine the least of those who wait for
        that engine, or the last that left it; and of these the highest."""
        presents: dict[Node, int] = {}
        for parent in self.scheduler.tree.nodes():
            same = [c.counter(pool) for c in parent.children.values() if pool in c.waiting_pools]
            if same:
                presents[parent] = min(same)
                continue
            at_engines = []
            for engine in pool.engines:
                waiting = [
                    child.counter(other)
                    for child in parent.children.values()
                    for other in child.waiting_pools
                    if engine in other.engines
                ]
                if waiting:
                    at_engines.append(min(waiting))
                elif engine in parent.last_left:
                    left, where = parent.last_left[engine]
                    at_engines.append(left.counter(where))
            if at_engines:
                presents[parent] = max(at_engines)
        return presents

    def _check_lift(
        self,
        request: Request,
        pool: Pool,
        before: dict[Node, int],
        counters: dict[Node, int],
        waited: set[Node],
    ) -> None:
        """F2: who begins to wait stands no lower than before, nor than the present of that pool."""
        node = self.scheduler.tree.leaf(request.tenant)
        while node.parent is not None:
            if node in waited:
                assert node.counter(pool) == counters[node]
            else:
                assert node.counter(pool) >= counters[node], "a debt was erased"
                assert node.counter(pool) >= before.get(node.parent, 0), "credit was banked"
            node = node.parent


class OnePoolMachine(SchedulerMachine):
    """One model, so that all who wait compete for the same engines: here the bound must hold."""

    models = (ModelName("m1"),)
    engines = {"e1": ("m1",)}
    window_max = 2
    request_units_max = REQUEST_UNITS_MAX

    def __init__(self) -> None:
        super().__init__()
        # Pairs that have waited together: service of both when that began.
        self.together: dict[tuple[Node, Node], tuple[int, int]] = {}

    @invariant()
    def waiting_siblings_stay_within_the_bound(self) -> None:
        """F1, at every instant and over every interval in which both wait throughout."""
        if not hasattr(self, "scheduler"):
            return
        policy = self.scheduler.settings.policy
        still: dict[tuple[Node, Node], tuple[int, int]] = {}
        for parent in self.scheduler.tree.nodes():
            if not parent.children:
                continue
            bounds = {
                "window": self.window_max * len(self.engines),
                "request_units_max": self.request_units_max,
                "weight_min": min(child.weight for child in parent.children.values()),
            }
            gap, lag = policy.counter_gap_max(**bounds), policy.lag_bound(**bounds)
            assert gap is not None
            assert lag is not None
            waiting = [c for c in parent.children.values() if c.queued_requests]
            for i, f in enumerate(waiting):
                for g in waiting[i + 1 :]:
                    if set(f.waiting_pools) != set(g.waiting_pools):
                        continue  # in another lane
                    (pool,) = f.waiting_pools
                    gap_now = abs(f.counter(pool) - g.counter(pool))
                    assert gap_now <= gap * VIRTUAL_PER_UNIT
                    f0, g0 = self.together.get((f, g), (f.service_units, g.service_units))
                    still[f, g] = (f0, g0)
                    served_f = Fraction(f.service_units - f0, f.weight)
                    served_g = Fraction(g.service_units - g0, g.weight)
                    assert abs(served_f - served_g) <= lag
        self.together = still
