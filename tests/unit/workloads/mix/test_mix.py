"""The multi-tenant mix has the figures that it is drawn from, and streams."""

import tracemalloc
from collections import Counter
from collections.abc import Iterable
from itertools import islice, pairwise

import pytest

from evenhand.workloads.ask import Ask
from evenhand.workloads.catalog import recipe_named
from evenhand.workloads.workload import DialValue, Workload


def mix(seed: int = 1, **dials: DialValue) -> Workload:
    return recipe_named("mix").make(seed, dials)


def seen_part(asks: Iterable[Ask]) -> dict[str, float]:
    """Tokens of prompts that an earlier prompt began with, over all, by application."""
    longest: dict[int, int] = {}
    seen: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for ask in asks:
        asked[ask.application] += ask.input_tokens
        for content, tokens in ask.prompt:
            known = longest.get(content, 0)
            seen[ask.application] += min(known, tokens)
            longest[content] = max(known, tokens)
            if known < tokens:
                break
    return {name: seen[name] / asked[name] for name in asked}


def test_asks_come_in_order_with_numbers_of_their_own() -> None:
    asks = list(mix(requests=5000).asks)
    assert [ask.id for ask in asks] == list(range(5000))
    assert all(a.at_ms <= b.at_ms for a, b in pairwise(asks))


def test_every_tenant_that_asks_has_a_share() -> None:
    workload = mix(requests=5000, tenants=37)
    assert len(workload.tenants) == 37
    names = {share.name for share in workload.tenants}
    assert {ask.tenant[0] for ask in workload.asks} <= names
    assert workload.is_synthetic


@pytest.mark.parametrize("tenants", [1, 2, 3, 7])
def test_few_tenants_ask_too(tenants: int) -> None:
    asks = list(mix(requests=500, tenants=tenants).asks)
    assert len(asks) == 500


def test_the_same_seed_gives_the_same_asks_again_and_another_others() -> None:
    def rows(workload: Workload) -> list[tuple[object, ...]]:
        return [
            (a.at_ms, a.tenant, a.input_tokens, a.output_tokens, a.prompt, a.after, a.think_ms)
            for a in workload.asks
        ]

    workload = mix(requests=2000)
    assert rows(workload) == rows(workload) == rows(mix(requests=2000))
    assert rows(workload) != rows(mix(2, requests=2000))


def test_rate_is_what_was_asked_for() -> None:
    last = list(mix(requests=40_000, rate=100.0).asks)[-1]
    assert 40_000 / last.at_ms * 1000 == pytest.approx(100, rel=0.1)


def test_load_is_a_part_of_the_capacity_it_is_told() -> None:
    last = list(mix(requests=40_000, load=0.5, capacity_rps=200.0).asks)[-1]
    assert 40_000 / last.at_ms * 1000 == pytest.approx(100, rel=0.1)
    with pytest.raises(ValueError, match="capacity_rps"):
        mix(load=0.5)


def test_a_day_has_its_requests_within_a_day_and_more_of_them_by_day() -> None:
    asks = list(mix(requests=20_000, day=1).asks)
    assert asks[-1].at_ms == pytest.approx(86_400_000, rel=0.1)
    hours = Counter(int(ask.at_ms // 3_600_000) for ask in asks)
    assert sum(hours[h] for h in range(10, 18)) > 1.3 * sum(hours[h] for h in range(8))


def test_few_tenants_ask_most() -> None:
    """As ServeGen's clients: of 162 the first has 16 % and the first ten have 63 %."""
    counts = Counter(ask.tenant for ask in mix(requests=40_000, tenants=162, agents=0.0).asks)
    top = [count / 40_000 for _, count in counts.most_common(39)]
    assert 0.12 < top[0] < 0.33
    assert 0.55 < sum(top[:10]) < 0.75
    assert 0.83 < sum(top) < 0.97


def test_bursts_belong_to_clients() -> None:
    moments: dict[str, list[float]] = {}
    for ask in mix(requests=40_000, agents=0.0).asks:
        moments.setdefault(ask.tenant[0], []).append(ask.at_ms)
    spreads = []
    for times in moments.values():
        if len(times) >= 400:
            gaps = [b - a for a, b in pairwise(times)]
            mean = sum(gaps) / len(gaps)
            spreads.append((sum((g - mean) ** 2 for g in gaps) / len(gaps)) ** 0.5 / mean)
    assert len(spreads) >= 10
    assert min(spreads) < 1.3
    assert max(spreads) > 3


def test_prompts_repeat_as_measured() -> None:
    """Mooncake's conversations: 37 %; agents of Claude Code: 96 % of their tokens. Runs that are short
    for a session see less, since each agent's first prompt is new."""
    seen = seen_part(mix(requests=60_000, day=1).asks)
    assert seen["api"] == 0
    assert seen["chat"] == pytest.approx(0.37, abs=0.05)
    assert seen["agent"] == pytest.approx(0.96, abs=0.02)


def test_agents_wait_for_answers_and_think() -> None:
    asks = {ask.id: ask for ask in mix(requests=30_000, day=1).asks}
    followers = [ask for ask in asks.values() if ask.after]
    for ask in followers:
        before = asks[ask.after[0]]
        assert before.is_awaited
        assert (before.tenant, before.interaction) == (ask.tenant, ask.interaction)
        assert before.call_index == ask.call_index - 1
        assert ask.at_ms == pytest.approx(before.at_ms + ask.think_ms)
    thinks = sorted(ask.think_ms for ask in mix(requests=30_000, rate=50.0).asks if ask.after)
    assert 5000 < thinks[len(thinks) // 2] < 20_000


def test_agents_send_their_part() -> None:
    apps = Counter(ask.application for ask in mix(requests=40_000, agents=0.2).asks)
    assert apps["agent"] / 40_000 == pytest.approx(0.2, rel=0.25)
    apps = Counter(ask.application for ask in mix(requests=1000, agents=0.0).asks)
    assert apps["agent"] == 0


@pytest.mark.parametrize("context_max", [256, 4096, 24_576])
def test_nothing_outgrows_the_context(context_max: int) -> None:
    asks = mix(requests=10_000, context_max=context_max).asks
    assert max(ask.input_tokens + ask.output_tokens for ask in asks) <= context_max


def test_asks_are_drawn_as_they_are_needed() -> None:
    """Those that were drawn are not kept: the second stretch takes no more than the first."""
    asks = iter(mix(requests=1_000_000, tenants=300, rate=100.0).asks)
    tracemalloc.start()
    tops = []
    for _ in range(2):
        tracemalloc.reset_peak()
        for _ in islice(asks, 17_000):
            pass
        tops.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert max(tops) < 32 << 20
    assert tops[1] < 1.3 * tops[0]


def test_more_agents_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 200,000 agents: lower the rate"):
        mix(rate=100_000.0, agents=0.5)
