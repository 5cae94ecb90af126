"""DLPM: what it gains over VTC and LPM, its two extremes, the age limit."""

import random
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction

import pytest

from evenhand.model import (
    EngineName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    TrustDomain,
    Usage,
)
from evenhand.scheduling import (
    Scheduler,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
    compose,
)
from evenhand.scheduling.order.round import quantum_tokens_min
from evenhand.scheduling.tree_change import SetWeight, TreePlan
from support.cached_engine import Served, serve

MODEL = ModelName("m")


# Locality worth having (F12).


def backlog() -> dict[str, list[tuple[bytes, bytes]]]:
    """Four tenants with questions about documents of their own, 1,000 tokens each; the cache holds three
    of all sixteen. One tenant asks eight times as much about each."""
    dice = random.Random(3)
    prompts: dict[str, list[tuple[bytes, bytes]]] = {}
    for t, name in enumerate(["greedy", "b", "c", "d"]):
        texts = [bytes([16 * t + d + 1]) + dice.randbytes(999) for d in range(4)]
        questions = 1_600 if name == "greedy" else 200
        prompts[name] = [(dice.choice(texts), dice.randbytes(20)) for _ in range(questions)]
    return prompts


def hit_rate(served: Mapping[str, Served]) -> Fraction:
    cached = sum(of_tenant.cached_tokens for of_tenant in served.values())
    return Fraction(cached, sum(of_tenant.input_tokens for of_tenant in served.values()))


def jain(served: Mapping[str, Served]) -> Fraction:
    """Of all tenants, also those that received nothing."""
    units = [of_tenant.units for of_tenant in served.values()]
    return Fraction(sum(units) ** 2, len(units) * sum(u * u for u in units))


def result(preset: str, **settings: int) -> tuple[Fraction, Fraction]:
    served = serve(preset, backlog(), output_tokens=10, cache_bytes=3_000, settings=settings)
    return hit_rate(served), jain(served)


def test_dlpm_hits_nearly_as_often_as_lpm_and_is_fair_where_lpm_starves() -> None:
    lpm_hits, lpm_jain = result("lpm", prefix_age_s=86_400)
    hits, fairness = result("dlpm", quantum_tokens=4_000, prefix_age_s=86_400)
    vtc_hits, _ = result("vtc")
    assert lpm_jain < Fraction(1, 2), "LPM serves one tenant alone"
    assert hits >= Fraction(9, 10) * lpm_hits
    assert fairness >= Fraction(95, 100)
    assert vtc_hits < Fraction(1, 10) * hits


def test_hits_rise_and_fairness_falls_with_the_quantum() -> None:
    """As in figure 1 of the paper."""
    quanta = [1, 500, 2_000, 8_000, 32_000]
    results = [result("dlpm", quantum_tokens=q, prefix_age_s=86_400) for q in quanta]
    hits, fairness = zip(*results, strict=True)
    assert list(hits) == sorted(hits)
    assert list(fairness) == sorted(fairness, reverse=True)


# Single picks.


class Bench:
    """A scheduler with one engine that takes one request at a time."""

    def __init__(self, preset: str, *tenants: str, **settings: int) -> None:
        self.scheduler = Scheduler(
            SchedulerSettings(
                tenants=tuple(TenantShare(name=name) for name in tenants),
                policy=compose(preset, prediction="none", settings=settings),
            )
        )
        self.count = 0
        self.window(1)

    def window(self, window: int, name: str = "e", models: tuple[str, ...] = ("m",)) -> None:
        self.scheduler.engine_changed(
            EngineName(name), window=window, models=[ModelName(model) for model in models]
        )

    def submit(
        self,
        tenant: str,
        prefix: bytes,
        now_ms: int = 0,
        tokens: int = 100,
        domain: str = "",
        wait_ms_max: int = 10**9,
    ) -> RequestId:
        self.count += 1
        request = Request(
            id=RequestId(f"{tenant}.{self.count}"),
            tenant=(tenant,),
            model=MODEL,
            body_bytes=1,
            prompt_tokens=tokens,
            queue_wait_ms_max=wait_ms_max,
            prefix=prefix,
            trust_domain=TrustDomain(domain),
        )
        assert self.scheduler.submit(request, now_ms).refused is None
        return request.id

    def serve(self, now_ms: int = 0) -> RequestId:
        """Start the next and end it as it was estimated."""
        started = self.scheduler.next(now_ms)
        assert started is not None
        request_id = started.request.id
        ticket = self.scheduler._tickets[request_id]
        usage = Usage(ticket.input_tokens, 0, ticket.cached_tokens)
        self.scheduler.settle(request_id, usage, Outcome.COMPLETED, now_ms)
        return request_id


def picks(preset: str, rounds: int = 300, **settings: int) -> list[RequestId]:
    """Of two tenants with hot and cold prompts."""
    bench, dice = Bench(preset, "a", "b", **settings), random.Random(5)
    for _ in range(rounds):
        for tenant in "aab":
            hot = dice.choice([b"the same beginning ", b"another beginning "])
            bench.submit(tenant, hot * dice.randrange(3) + dice.randbytes(9))
    return [bench.serve() for _ in range(2 * rounds)]


def test_with_a_huge_quantum_dlpm_picks_as_lpm() -> None:
    assert picks("dlpm", quantum_tokens=10**9) == picks("lpm")


def test_with_a_tiny_quantum_dlpm_serves_nobody_but_the_least_served() -> None:
    bench, dice = Bench("dlpm", "a", "b", "c", quantum_tokens=1), random.Random(5)
    for _ in range(100):
        for tenant in "abc":
            bench.submit(tenant, b"the same beginning", tokens=dice.randrange(1, 100))
    pool = bench.scheduler.capacity.pool(MODEL)
    quantum = 10 * 720_720 << 10
    for _ in range(200):
        counters = {n: c.counter(pool) for n, c in bench.scheduler.tree.root.children.items()}
        served = bench.serve()
        assert counters[served[0]] < min(counters.values()) + quantum


def test_a_request_that_has_aged_goes_before_hotter_ones() -> None:
    bench = Bench("lpm", "a", prefix_age_s=10)
    bench.submit("a", b"hot prefix 0")
    bench.serve()
    cold = bench.submit("a", b"cold", 1_000)
    hot = [bench.submit("a", b"hot prefix %d" % i, 2_000) for i in range(3)]
    assert bench.serve(10_999) == hot[0]
    assert bench.serve(11_000) == cold
    assert bench.serve(11_000) == hot[1]


def test_a_request_ages_in_time_to_start_before_it_has_waited_too_long() -> None:
    bench = Bench("lpm", "a")
    bench.submit("a", b"hot prefix 0")
    bench.serve()
    cold = bench.submit("a", b"cold", 1_000, wait_ms_max=20_000)
    patient = bench.submit("a", b"patient", 500)
    hot = [bench.submit("a", b"hot prefix %d" % i, 2_000) for i in range(3)]
    assert bench.serve(10_999) == hot[0]
    assert bench.serve(11_000) == cold
    assert [bench.serve(11_000) for _ in range(3)] == [hot[1], hot[2], patient]


def test_ageing_does_not_pass_over_the_quantum() -> None:
    bench = Bench("dlpm", "a", "b", quantum_tokens=50, prefix_age_s=10)
    first = bench.submit("a", b"x", 0, tokens=500)
    old = bench.submit("a", b"y", 0, tokens=500)
    young = bench.submit("b", b"z", 11_000)
    assert [bench.serve(11_000) for _ in range(3)] == [first, young, old]


def test_who_gets_a_larger_weight_may_go_at_once_if_its_counter_falls_below_the_level() -> None:
    bench = Bench("dlpm", "a", "b", quantum_tokens=100)
    bench.window(2)
    for _ in range(3):
        bench.submit("a", b"hot", tokens=1_000)
    cold = [bench.submit("b", b"%d" % i, tokens=40) for i in range(3)]
    assert started(bench) == "a.1"
    assert bench.serve() == cold[0], "a has had ten quanta"
    plan = bench.scheduler.plan([SetWeight(("a",), 1_000)])
    assert isinstance(plan, TreePlan)
    bench.scheduler.apply(plan)
    assert bench.serve() == "a.2", "the match is longer, and it may go"


def started(bench: Bench) -> RequestId:
    start = bench.scheduler.next(0)
    assert start is not None
    return start.request.id


# What is believed.


def test_cached_input_is_charged_at_its_own_price_from_the_pick_on() -> None:
    bench, weights = Bench("dlpm", "a"), TokenWeights()
    for _ in range(2):
        bench.submit("a", b"0123456789", tokens=100)
    bench.serve()
    charged = bench.scheduler.tree.root.service_units
    assert charged == 100 * weights.input
    bench.scheduler.next(0)
    assert bench.scheduler.tree.root.service_units - charged == 100 * weights.cached_input


@pytest.mark.parametrize("how", ["evicted", "restarted", "other models"])
def test_what_an_engine_has_lost_counts_no_more(how: str) -> None:
    bench = Bench("lpm", "a")
    bench.submit("a", b"hot")
    bench.serve()
    cold, hot = bench.submit("a", b"cold"), bench.submit("a", b"hot")
    if how == "evicted":
        bench.scheduler.evicted(EngineName("e"), b"h", TrustDomain(""))
    elif how == "restarted":
        bench.scheduler.restarted(EngineName("e"))
    else:
        bench.window(1, models=("m", "other"))
    assert [bench.serve(), bench.serve()] == [cold, hot]


def test_an_engine_that_was_down_keeps_what_it_holds() -> None:
    bench = Bench("lpm", "a")
    bench.submit("a", b"hot")
    bench.serve()
    bench.submit("a", b"cold")
    hot = bench.submit("a", b"hot")
    bench.window(0)
    bench.window(1)
    assert bench.serve() == hot


def test_prefixes_of_different_trust_domains_never_meet() -> None:
    bench = Bench("lpm", "a")
    bench.submit("a", b"hot", domain="x")
    bench.serve()
    first = bench.submit("a", b"cold", domain="y")
    bench.submit("a", b"hot", domain="y")
    assert bench.serve() == first


# Homes.


def test_who_waits_near_a_busy_engine_goes_to_an_idle_one_when_nobody_else_waits() -> None:
    bench = Bench("lpm", "a")
    bench.window(1, "f")
    starts = []
    for i in range(2):
        bench.submit("a", b"%d" % i)
        starts.append(bench.scheduler.next(0))
    assert [start and start.engine for start in starts] == ["e", "f"]
    waits = bench.submit("a", b"0 0")
    assert bench.scheduler._tickets[waits].home == "e"
    bench.scheduler.settle(RequestId("a.2"), Usage(1, 1, 0), Outcome.COMPLETED, 0)
    started = bench.scheduler.next(0)
    assert started is not None
    assert started.engine == "f"


def test_when_an_engine_goes_down_its_tickets_look_for_another_home() -> None:
    bench = Bench("lpm", "a")
    bench.window(1, "f")
    for engine in "ef":
        bench.submit("a", engine.encode())
        bench.scheduler.next(0)
    waiting = bench.submit("a", b"f")
    assert bench.scheduler._tickets[waiting].home == "e"
    bench.window(0, "e")
    assert bench.scheduler._tickets[waiting].home == "f"
    bench.window(0, "f")
    assert bench.scheduler._tickets[waiting].home is None
    bench.window(2, "e")
    assert bench.scheduler._tickets[waiting].home == "e"


# Configuration.


def test_the_least_sensible_quantum_is_an_expected_request() -> None:
    assert quantum_tokens_min(TokenWeights(input=10, output=20), 256) == 513


def test_only_policies_that_ask_have_prefixes_and_a_bound_on_their_memory() -> None:
    assert compose("vtc").asks_prefixes is False
    assert "prefix_index_mib" not in compose("vtc").values()
    assert compose("dlpm").values()["prefix_index_mib"] == 64


# Cost of a decision.


def calls_of_decisions(tenants: int, waiting: int) -> int:
    """Python calls of 300 decisions, with a start and an arrival each."""
    names, dice = [f"t{i}" for i in range(tenants)], random.Random(2)
    bench = Bench("dlpm", *names, quantum_tokens=500, prefix_age_s=86_400)
    texts = [dice.randbytes(100) for _ in range(20)]
    for i in range(waiting):
        bench.submit(names[i % tenants], dice.choice(texts) + dice.randbytes(8))
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    for _ in range(300):
        sys.setprofile(count)
        served = bench.serve()
        sys.setprofile(None)
        tenant = served[: served.index(".")]
        bench.submit(tenant, dice.choice(texts) + dice.randbytes(8))
    return calls


@pytest.mark.parametrize("split", [lambda _: 1, lambda _: 2, lambda n: n // 10, lambda n: n])
def test_decisions_stay_cheap_however_many_wait(split: Callable[[int], int]) -> None:
    few, many = 200, 1_600
    assert calls_of_decisions(split(many), many) < 3 * calls_of_decisions(split(few), few)
