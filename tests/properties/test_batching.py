"""Rules of a step: the pace, the cap, the turns and the ceilings keep what batching.md promises."""

import math
import random
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from evenhand.model import TenantPath
from evenhand.scheduling.batching import (
    KvCeilings,
    Prefill,
    StepPace,
    by_standing,
    by_turns,
    chunk_cap,
)
from evenhand.scheduling.batching.chunk_cap import water_level

TENANTS = [("a",), ("b",), ("c", "x"), ("c", "y"), ("d",)]
tenants = st.sampled_from(TENANTS)
prefills = st.builds(Prefill, tenants, st.integers(1, 30_000))


def share_out(prompts: Iterable[Prefill], cap: int | None, budget: int) -> list[int]:
    """What an engine gives each, in order, out of one budget."""
    given_tokens = []
    for prompt in prompts:
        tokens = min(prompt.tokens, budget if cap is None else cap, budget)
        given_tokens.append(tokens)
        budget -= tokens
    return given_tokens


# Pace.


@given(
    st.integers(1, 50_000),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10**7)), max_size=60),
)
def test_the_pace_stays_between_its_ends_whatever_it_is_told(
    target_us: int, steps: list[tuple[int, int]]
) -> None:
    pace = StepPace(target_us, tokens_min=32, tokens_max=2048)
    for tokens, step_us in steps:
        pace.took(tokens, step_us)
        assert 32 <= pace.tokens <= 2048


def run_pace(
    *, base_us: int, token_us: int, target_us: int, steps: int, noise: float, seed: int
) -> tuple[StepPace, list[tuple[int, float]]]:
    """An engine whose steps take a fixed time and one for each token, told a step late."""
    rng = random.Random(seed)
    pace = StepPace(target_us, tokens_min=16, tokens_max=8192)
    took: list[tuple[int, float]] = []
    for _ in range(steps):
        tokens = pace.tokens
        spread = rng.uniform(1 - noise, 1 + noise)
        outlier = 10 if rng.random() < 0.005 else 1
        took.append((tokens, (base_us + token_us * tokens) * spread * outlier))
        if len(took) > 1:
            pace.took(took[-2][0], int(took[-2][1]))
    return pace, took


@given(
    st.integers(1_000, 20_000),
    st.integers(5, 200),
    st.integers(20_000, 100_000),
    st.integers(0, 1 << 20),
)
def test_steps_keep_to_a_target_that_can_be_kept_and_use_most_of_it(
    base_us: int, token_us: int, target_us: int, seed: int
) -> None:
    fitting = (target_us - base_us) // token_us
    if target_us < 2 * base_us or fitting < 64:
        return
    _, took = run_pace(
        base_us=base_us, token_us=token_us, target_us=target_us, steps=600, noise=0.05, seed=seed
    )
    settled = took[200:]
    late = sum(step_us > target_us for _, step_us in settled)
    assert late <= len(settled) * 3 // 100  # the outliers themselves are half a percent
    mean = sum(tokens for tokens, _ in settled) / len(settled)
    assert mean >= 0.6 * min(8192, fitting)


@given(
    st.lists(st.integers(1, 100_000), min_size=1, max_size=400),
    st.integers(1_000, 50_000),
)
def test_late_steps_are_bounded_whatever_the_engine_is_like(
    durations: list[int], target_us: int
) -> None:
    least, most = 256, 8192
    pace = StepPace(target_us, tokens_min=least, tokens_max=most)
    aim_us = target_us - target_us // 8
    cuts = rises = fast = 0
    for step_us in durations:
        if step_us > aim_us:
            cuts += pace.tokens > least
        elif step_us * 4 <= aim_us * 3:
            fast += 1
        else:
            rises += 1
        pace.took(pace.tokens, step_us)
    grown = math.log(most / least) + fast * math.log(9 / 8) + rises * math.log(1 + 1 / 128)
    # Cuts and rises are whole tokens, of 256 at least.
    assert cuts * math.log(16 / 15) <= grown + (cuts + fast + rises) * math.log(1 + 1 / 256)


def test_a_target_that_no_step_can_keep_leaves_the_least_amount() -> None:
    pace, _ = run_pace(base_us=50_000, token_us=10, target_us=20_000, steps=200, noise=0.05, seed=1)
    assert pace.tokens == 16


def test_an_engine_that_got_slower_and_fast_again_is_followed() -> None:
    pace = StepPace(40_000, tokens_min=16, tokens_max=8192)
    for _ in range(300):
        pace.took(pace.tokens, 5_000 + 10 * pace.tokens)
    before = pace.tokens
    for _ in range(20):
        pace.took(pace.tokens, 5_000 + 100 * pace.tokens)
    assert pace.tokens <= 350
    for _ in range(300):
        pace.took(pace.tokens, 5_000 + 10 * pace.tokens)
    assert pace.tokens >= 0.9 * before


def test_steps_told_late_cut_once() -> None:
    pace = StepPace(8_000, tokens_min=16, tokens_max=1024)
    for _ in range(5):
        pace.took(1024, 14_000)  # all begun before the first was told of
    assert pace.tokens == 512


# Cap.


@given(st.lists(st.integers(1, 5_000), max_size=20), st.integers(1, 10_000))
def test_the_level_is_that_of_water(wanted: list[int], budget: int) -> None:
    level = water_level(wanted, budget)
    if level is None:
        assert sum(wanted) <= budget
    else:
        assert sum(wanted) > budget
        assert sum(min(tokens, level) for tokens in wanted) <= max(budget, len(wanted))
        if level > 1 or budget >= len(wanted):
            assert sum(min(tokens, level + 1) for tokens in wanted) > budget


def in_turn(prompts: list[Prefill], cap: int | None) -> list[Prefill]:
    def chunk(prompt: Prefill) -> int:
        return prompt.tokens if cap is None else min(cap, prompt.tokens)

    return by_turns(prompts, lambda prompt: prompt.tenant, chunk, lambda _: ())


@given(
    st.lists(prefills, min_size=1, max_size=8),
    st.lists(prefills, max_size=3, unique_by=lambda head: head.tenant),
    st.integers(256, 8192),
)
def test_a_newcomer_joins_the_step_with_its_whole_share(
    running: list[Prefill], heads: list[Prefill], budget: int
) -> None:
    present = {prompt.tenant for prompt in running}
    heads = [head for head in heads if head.tenant not in present]
    cap = chunk_cap(running, heads, budget)
    got = share_out([*in_turn(running, cap), *heads], cap, budget)
    share = budget // (len(running) + len(heads))
    for head, tokens in zip(heads, got[len(running) :], strict=True):
        assert tokens >= min(head.tokens, share)


@given(st.lists(prefills, min_size=1, max_size=10), st.integers(64, 8192))
def test_no_tenant_gets_a_chunk_more_than_another_that_is_left_wanting(
    running: list[Prefill], budget: int
) -> None:
    cap = chunk_cap(running, [], budget)
    running = in_turn(running, cap)
    got = share_out(running, cap, budget)
    tokens: dict[TenantPath, int] = {}
    wanting: set[TenantPath] = set()
    for prompt, part in zip(running, got, strict=True):
        tokens[prompt.tenant] = tokens.get(prompt.tenant, 0) + part
        if part < prompt.tokens:
            wanting.add(prompt.tenant)
    if cap is not None:
        assert all(tokens[left] + cap >= max(tokens.values()) for left in wanting)


@given(st.lists(prefills, min_size=1, max_size=10), st.integers(64, 8192))
def test_no_room_in_a_step_is_left_while_somebody_wants_it(
    running: list[Prefill], budget: int
) -> None:
    cap = chunk_cap(running, [], budget)
    got = sum(share_out(in_turn(running, cap), cap, budget))
    wanted = sum(prompt.tokens for prompt in running)
    # Levels are whole tokens: less than one for each tenant is lost.
    assert got >= min(budget, wanted) - len(TENANTS)


def test_a_long_prompt_alone_is_not_cut() -> None:
    assert chunk_cap([Prefill(("a",), 28_000)], [], 2048) is None


def test_a_short_prompt_joins_beside_a_long_one() -> None:
    cap = chunk_cap([Prefill(("a",), 28_000)], [Prefill(("b",), 50)], 2048)
    assert cap == 1998


# Turns.


@given(st.lists(st.tuples(tenants, st.integers(0, 3), st.integers(1, 50)), max_size=12))
def test_whoever_has_less_before_it_comes_first(entries: list[tuple[TenantPath, int, int]]) -> None:
    standings = {tenant: (standing,) for tenant, standing, _ in entries}
    named = [(place, tenant, tokens) for place, (tenant, _, tokens) in enumerate(entries)]
    ordered = by_turns(named, lambda n: n[1], lambda n: n[2], lambda n: standings[n[1]])
    assert sorted(ordered) == named
    before: dict[TenantPath, int] = {}
    keys = []
    for _, tenant, tokens in ordered:
        keys.append((before.get(tenant, 0), standings[tenant]))
        before[tenant] = before.get(tenant, 0) + tokens
    assert keys == sorted(keys)
    for tenant in before:
        own = [place for place, who, _ in ordered if who == tenant]
        assert own == sorted(own)
    again = by_turns(ordered, lambda n: n[1], lambda n: n[2], lambda n: standings[n[1]])
    assert again == ordered  # sorting every step moves nobody without a reason


@given(st.lists(st.tuples(tenants, st.integers(0, 3)), min_size=1, max_size=12))
def test_the_last_is_the_newest_of_whoever_had_most(entries: list[tuple[TenantPath, int]]) -> None:
    standings = {tenant: (standing,) for tenant, standing in entries}
    named = list(enumerate(tenant for tenant, _ in entries))
    *_, (place, tenant) = by_standing(named, lambda n: n[0], lambda n: standings[n[1]])
    most = max(standings.values())
    assert standings[tenant] == most
    assert place == max(n for n, who in named if standings[who] == most)


# Ceilings.


@given(
    st.dictionaries(st.sampled_from([*TENANTS, ("c",)]), st.integers(0, 100), max_size=4),
    st.none() | st.integers(0, 100),
    st.lists(st.tuples(tenants, st.integers(0, 60)), max_size=30),
)
def test_nobody_begins_above_a_ceiling_unless_alone(
    ceilings: dict[TenantPath, int], each: int | None, asked: list[tuple[TenantPath, int]]
) -> None:
    kept = KvCeilings(ceilings, each=each)
    has: dict[TenantPath, int] = {}
    for leaf, blocks in asked:
        nodes = [leaf[:depth] for depth in range(1, len(leaf) + 1)]
        is_admitted = kept.admits(leaf, blocks)
        for node in nodes:
            ceiling = ceilings.get(node, each if node == leaf else None)
            fits = ceiling is None or has.get(node, 0) + blocks <= ceiling
            assert fits or not has.get(node, 0) or not is_admitted
        if all(not has.get(node, 0) for node in nodes):
            assert is_admitted, "nobody starves"
        if is_admitted:
            kept.take(leaf, blocks)
            for node in nodes:
                has[node] = has.get(node, 0) + blocks


def test_what_is_counted_anew_replaces_what_was() -> None:
    kept = KvCeilings({("c",): 10})
    kept.take(("c", "x"), 10)
    assert not kept.admits(("c", "y"), 1)
    kept.count([(("c", "x"), 4)])
    assert kept.admits(("c", "y"), 6)
    assert not kept.admits(("c", "y"), 7)
