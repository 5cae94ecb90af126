"""Every cost is charged exactly once in sum, whatever the order of corrections, and grows with work."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.model import ApplicationName, EngineName, ModelName, Request, RequestId, Usage
from evenhand.scheduling import (
    VIRTUAL_PER_UNIT,
    Scheduler,
    SchedulerSettings,
    Settlement,
    Start,
    TenantShare,
    TokenWeights,
    compose,
)
from evenhand.scheduling.cost.built_in import COSTS
from evenhand.scheduling.cost.protocol import Cost, Work
from evenhand.scheduling.engine_clock import EngineClocks
from evenhand.scheduling.recorder import Event, Recorder
from support.recorded_run import drive

TENANTS = tuple(TenantShare(name=name, weight=weight) for name, weight in (("a", 1), ("b", 3)))
SEVERAL = {"e1": ("m1",), "e2": ("m1", "m2")}
every_cost = pytest.mark.parametrize("cost", sorted(COSTS))


def settings_of(cost: str, prediction: str = "running-mean") -> SchedulerSettings:
    return SchedulerSettings(tenants=TENANTS, policy=compose(cost=cost, prediction=prediction))


@dataclass
class Books:
    """Compares after each call what nodes were charged with what the cost says of the work."""

    scheduler: Recorder = field(init=False)
    settled_units: int = 0
    settlements: int = 0
    started: dict[RequestId, tuple[int, EngineName, int]] = field(default_factory=dict)
    """What was pinned, the engine, and that engine's clock."""
    charged: dict[RequestId, int] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        core, answer = self.scheduler, event.answer
        if isinstance(answer, Start):
            self._start(answer.request.id)
        elif event.method == "start_at_once" and answer is not None:
            request = event.arguments["request"]
            assert isinstance(request, Request)
            self._start(request.id)
        elif event.method == "try_again_elsewhere" and answer:
            again: Any = event.arguments["request_id"]
            del self.started[again], self.charged[again]
        elif isinstance(answer, Settlement):
            self._settle(event, answer)
        for request_id, before in self.charged.items():
            assert core._tickets[request_id].units >= before, "a live charge shrank"
            self.charged[request_id] = core._tickets[request_id].units
        assert core.tree.root.service_units == self.settled_units + core.open_units()
        self._check_gap()

    def _start(self, request_id: RequestId) -> None:
        ticket = self.scheduler._tickets[request_id]
        assert ticket.engine is not None
        self.started[request_id] = (ticket.pinned, ticket.engine, ticket.engine_clock_us)
        self.charged[request_id] = ticket.units
        work = Work(ticket.input_tokens, 0, ticket.predicted_tokens)
        assert (ticket.units > 0) == (work != Work(0, 0, 0)), "nothing is free at the pick"

    def _settle(self, event: Event, settlement: Settlement) -> None:
        core, usage, now_ms = self.scheduler, event.arguments["usage"], event.arguments["now_ms"]
        assert isinstance(usage, Usage)
        assert isinstance(now_ms, int)
        pinned, engine, clock_us = self.started.pop(settlement.request.id)
        charged = self.charged.pop(settlement.request.id)
        engine_us = None
        if core._charges.clocks is not None:
            in_flight = core.capacity.engines[engine].in_flight
            engine_us = core._charges.clocks.clock_us(engine, in_flight, now_ms) - clock_us
        work = Work(usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, engine_us)
        assert settlement.units == core._charges.cost.units(work, pinned)
        assert settlement.corrected_units == settlement.units - charged
        self.settled_units += settlement.units
        self.settlements += 1

    def _check_gap(self) -> None:
        """The bound of the policy, with the largest charge so far."""
        core, policy = self.scheduler, self.scheduler.settings.policy
        gap_max = policy.counter_gap_max(
            window=core.capacity.window_peak,
            request_units_max=core.request_units_peak,
            weight_min=1,
        )
        assert gap_max is not None
        for view in core.tree.root.views:
            waiting = [n for n in core.tree.root.waiting_children if view in n.waiting_pools]
            counters = [node.counter(view) for node in waiting]
            assert max(counters) - min(counters) <= gap_max * VIRTUAL_PER_UNIT


def kept(cost: str, prediction: str, seed: int, engines: dict[str, tuple[str, ...]]) -> Books:
    books = Books()
    books.scheduler = Recorder(settings_of(cost, prediction), books.note)
    drive(books.scheduler, seed=seed, steps=300, engines=engines)
    return books


@every_cost
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    prediction=st.sampled_from(["none", "running-mean", "quantile", "oracle"]),
)
def test_the_sum_of_charges_is_the_cost_of_the_work(cost: str, prediction: str, seed: int) -> None:
    """And the counters of those who wait for one engine stay within the policy's bound."""
    kept(cost, prediction, seed, {"e1": ("m1",)})


@every_cost
def test_so_it_is_over_a_long_run_with_failing_engines(cost: str) -> None:
    books = Books()
    books._check_gap = lambda: None  # type: ignore[method-assign]  # several pools: no bound between them
    books.scheduler = Recorder(settings_of(cost), books.note)
    drive(books.scheduler, seed=5, steps=4_000, engines=SEVERAL)
    assert books.settlements > 500


def built(cost: str, calls: list[tuple[str, int]] | None = None) -> Cost:
    """A cost that has learned of calls of these applications, each of so many tokens."""
    made = Scheduler(settings_of(cost))._charges.cost
    for application, tokens in calls or []:
        usage = Usage(tokens, tokens)
        made.learn(request(application), usage, 17 * tokens, 0)
    return made


def request(application: str = "default", choices: int = 1) -> Request:
    return Request(
        id=RequestId("r"),
        tenant=("a",),
        model=ModelName("m1"),
        body_bytes=1,
        queue_wait_ms_max=1,
        application=ApplicationName(application),
        choices=choices,
    )


amounts = st.integers(0, 200_000)
learned = st.lists(
    st.tuples(st.sampled_from(["x", "y", "z"]), st.integers(0, 100_000)), max_size=12
)


@every_cost
@given(
    calls=learned,
    choices=st.integers(1, 8),
    less=st.tuples(amounts, amounts, amounts),
    more=st.tuples(amounts, amounts, amounts),
    cached=amounts,
)
def test_a_cost_does_not_fall_while_work_grows(
    cost: str,
    calls: list[tuple[str, int]],
    choices: int,
    less: tuple[int, int, int],
    more: tuple[int, int, int],
    cached: int,
) -> None:
    made = built(cost, calls)
    pinned = made.pin(request("x", choices))
    (x, y, us), (dx, dy, dus) = less, more
    cached = min(cached, x)
    for is_measured in (False, True) if made.measures_time else (False,):
        small = Work(x, cached, y, us if is_measured else None)
        large = Work(x + dx, cached, y + dy, us + dus if is_measured else None)
        assert 0 <= made.units(small, pinned) <= made.units(large, pinned)
    assert made.units(Work(0, 0, 0), pinned) == 0
    most = made.units_max(x, y)
    if most is not None:
        assert made.units(Work(x, cached, y), pinned) <= most
    if made.weights is not None:
        assert made.units(Work(x, cached, y), pinned) == made.weights.of(Usage(x, y, cached))


@every_cost
def test_all_costs_speak_in_figures_of_one_size(cost: str) -> None:
    """A call of 256 tokens in and out costs about what it does in weighted tokens."""
    made = built(cost)
    pinned = made.pin(request())
    assert made.units(Work(256, 0, 256), pinned) == pytest.approx(256 * (10 + 20), rel=0.05)


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 50), st.booleans()), min_size=1, max_size=60
    )
)
def test_the_parts_of_engine_time_add_up_to_the_time_in_which_anything_ran(
    steps: list[tuple[int, int, bool]],
) -> None:
    clocks, name = EngineClocks(), EngineName("e")
    now_ms = busy_ms = 0
    started: list[int] = []
    parts: list[int] = []
    shares: list[Fraction] = []
    true_parts: list[Fraction] = []
    for which, ms, starts in [*steps, *[(0, 1, False)] * len(steps)]:
        now_ms += ms
        if started:
            busy_ms += ms
            shares = [share + Fraction(1000 * ms, len(started)) for share in shares]
        clock_us = clocks.clock_us(name, len(started), now_ms)
        if starts:
            started.append(clock_us)
            shares.append(Fraction(0))
        elif started:
            parts.append(clock_us - started.pop(which % len(started)))
            true_parts.append(shares.pop(which % len(shares)))
    assert not started
    assert abs(sum(parts) - 1000 * busy_ms) <= len(parts)
    for part, true in zip(parts, true_parts, strict=True):
        assert abs(part - true) <= 1


@dataclass
class EngineTime:
    """Shares the time of every engine among those that run there, by its own account."""

    scheduler: Recorder = field(init=False)
    now_ms: int = 0
    parts_us: dict[EngineName, dict[RequestId, Fraction]] = field(default_factory=dict)
    settlements: int = 0
    failures: int = 0

    def note(self, event: Event) -> None:
        arguments: Any = event.arguments
        elapsed_us = 1000 * (arguments.get("now_ms", self.now_ms) - self.now_ms)
        self.now_ms += elapsed_us // 1000
        for parts in self.parts_us.values():
            for request_id in parts:
                parts[request_id] += Fraction(elapsed_us, len(parts))
        answer: Any = event.answer
        if event.method == "start_at_once" and answer is not None:
            self._at(answer)[arguments["request"].id] = Fraction(0)
        elif isinstance(answer, Start):
            self._at(answer.engine)[answer.request.id] = Fraction(0)
        elif event.method == "try_again_elsewhere" and answer:
            self.failures += 1
            for parts in self.parts_us.values():
                parts.pop(arguments["request_id"], None)
        elif isinstance(answer, Settlement):
            part_us = self._at(answer.engine).pop(answer.request.id)
            assert abs(10 * answer.units - part_us) <= 10 + 1, "rounded up to 10 us"
            self.settlements += 1

    def _at(self, engine: EngineName) -> dict[RequestId, Fraction]:
        return self.parts_us.setdefault(engine, {})


def test_engine_time_is_charged_as_it_was_shared_with_engines_that_fail() -> None:
    books = EngineTime()
    books.scheduler = Recorder(settings_of("gpu-time"), books.note)
    drive(books.scheduler, seed=6, steps=6_000, engines=SEVERAL)
    assert books.settlements > 500
    assert books.failures > 50


def test_gpu_time_is_guessed_at_the_rate_that_the_model_has_shown() -> None:
    made = built("gpu-time", [("x", 1_000)])
    pinned = made.pin(request())
    assert TokenWeights().of_tokens(1_000, 1_000) == 30_000
    assert made.units(Work(1_000, 0, 1_000), pinned) == pytest.approx(17_000 // 10, rel=0.01)
    assert made.units(Work(1_000, 0, 1_000, 500), pinned) == 50, "measured"


def test_several_answers_cost_less_of_a_square_than_a_long_one() -> None:
    for cost in ("profiled", "kv-token-time"):
        made = built(cost)
        work = Work(100, 0, 800)
        assert made.units(work, 8) < made.units(work, 1)
        assert made.units(work, 8) <= 8 * made.units(Work(100, 0, 100), 1)
