"""Admission by rates: the window is exact, tells when it opens again, and forgets the idle."""

import random
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, ShareTree, TenantShare, compose
from evenhand.scheduling.admission.request_rate import RequestRate
from evenhand.scheduling.admission.token_rate import TokenRate
from evenhand.scheduling.admission.token_window import TokenWindow
from evenhand.scheduling.cost.protocol import Work
from evenhand.scheduling.decisions import Refusal

M = ModelName("m")
E = EngineName("e")
TREE = (TenantShare(name="a"), TenantShare(name="b"))
LEAF = ShareTree(TREE).leaf(("a",))
OTHER = ShareTree(TREE).leaf(("b",))


def request(name: str, tokens: int = 10, output_max: int | None = 0) -> Request:
    return Request(
        id=RequestId(name),
        tenant=(name[0],),
        model=M,
        body_bytes=10,
        prompt_tokens=tokens,
        output_tokens_max=output_max,
        queue_wait_ms_max=10**9,
    )


def core(preset: str, **dials: int) -> Scheduler:
    made = Scheduler(SchedulerSettings(tenants=TREE, policy=compose(preset, settings=dials)))
    made.engine_changed(E, window=1_000, models=[M])
    return made


def submit(scheduler: Scheduler, asked: Request, now_ms: int) -> Refusal | None:
    """As the dispatcher does."""
    if scheduler.start_at_once(asked, now_ms) is not None:
        return None
    refused = scheduler.submit(asked, now_ms).refused
    if refused is None:
        assert scheduler.next(now_ms) is not None
    return refused


def refusal(scheduler: Scheduler, asked: Request, now_ms: int) -> Refusal:
    refused = submit(scheduler, asked, now_ms)
    assert refused is not None
    assert refused.outcome is Outcome.RATE_LIMITED
    return refused


def test_beyond_the_rate_a_request_is_refused_although_the_engine_idles() -> None:
    scheduler = core("rpm", requests_per_minute=2)
    assert submit(scheduler, request("a1"), 0) is None
    assert submit(scheduler, request("a2"), 10_000) is None
    refused = refusal(scheduler, request("a3"), 20_000)
    assert refused.retry_after_ms == 40_000
    assert "2 requests" in refused.message
    assert submit(scheduler, request("b1"), 20_000) is None, "each tenant has a rate of its own"


@given(
    limit=st.integers(1, 5),
    gaps=st.lists(st.sampled_from([0, 1, 59_999, 60_000, 20_000]), max_size=40),
)
def test_any_minute_admits_at_most_the_limit_and_the_time_told_is_exact(
    limit: int, gaps: list[int]
) -> None:
    rate, now_ms, admitted = RequestRate(limit), 0, [-(10**9)] * limit
    for step, gap in enumerate(gaps):
        now_ms += gap
        refused = rate.refusal(request(f"a{step}"), LEAF, now_ms)
        lately = [at for at in admitted if at > now_ms - 60_000]
        if refused is None:
            assert len(lately) < limit
            admitted.append(now_ms)
            continue
        assert len(lately) == limit
        assert refused.retry_after_ms == lately[0] + 60_000 - now_ms
        assert rate.refusal(request("a"), LEAF, lately[0] + 59_999) is not None
        now_ms = lately[0] + 60_000
        assert rate.refusal(request("a"), LEAF, now_ms) is None
        admitted.append(now_ms)


def test_the_refused_do_not_count_so_knocking_does_not_keep_a_client_out() -> None:
    scheduler = core("rpm", requests_per_minute=1)
    assert submit(scheduler, request("a0"), 0) is None
    for second in range(1, 60):
        refusal(scheduler, request(f"a{second}"), second * 1_000)
    assert submit(scheduler, request("a60"), 60_000) is None


def token_rate(limit: int, expected_output: int = 0) -> TokenRate:
    return TokenRate(limit, lambda asked: Work(asked.prompt_tokens or 0, 0, expected_output))


def end(rate: TokenRate, asked: Request, usage: Usage, now_ms: int) -> None:
    rate.ended(asked, LEAF, usage, Outcome.COMPLETED, now_ms)


def test_tokens_count_as_expected_at_arrival() -> None:
    rate = token_rate(100, expected_output=20)
    assert rate.refusal(request("a1", 30), LEAF, 0) is None
    refused = rate.refusal(request("a2", 31), LEAF, 500)
    assert refused is not None
    assert refused.retry_after_ms == 60_500, "what was counted in second 0 counts to second 60"
    assert rate.refusal(request("a3", 30), LEAF, 500) is None


def test_what_was_not_used_is_given_back_where_it_was_counted() -> None:
    rate = token_rate(100, expected_output=60)
    first = request("a1", 40)
    assert rate.refusal(first, LEAF, 0) is None
    assert rate.refusal(request("a2", 1), LEAF, 5_000) is not None
    end(rate, first, Usage(40, 0), 5_000)
    assert rate.refusal(request("a3", 0), LEAF, 5_000) is None, "60 tokens are free again"


def test_one_that_never_ran_gives_everything_back() -> None:
    scheduler = core("tpm", tokens_per_minute=100)
    scheduler.engine_changed(E, window=1, models=[M])
    assert submit(scheduler, request("b1", 1), 0) is None
    assert scheduler.submit(request("a1", 100), 0).refused is None
    refusal(scheduler, request("a2", 100), 1_000)
    scheduler.cancel(RequestId("a1"), 1_000)
    assert scheduler.submit(request("a3", 100), 1_000).refused is None


def test_what_was_used_beyond_expectation_counts_when_it_is_known() -> None:
    rate = token_rate(100)
    first = request("a1", 10)
    assert rate.refusal(first, LEAF, 0) is None
    end(rate, first, Usage(10, 500), 300_000)
    refused = rate.refusal(request("a2", 1), LEAF, 310_000)
    assert refused is not None
    assert refused.retry_after_ms == 51_000


def test_more_than_the_limit_at_once_passes_when_nothing_else_counts() -> None:
    rate = token_rate(100)
    assert rate.refusal(request("a1", 1), LEAF, 0) is None
    refused = rate.refusal(request("a2", 5_000), LEAF, 0)
    assert refused is not None
    assert refused.retry_after_ms == 61_000
    assert rate.refusal(request("a2", 5_000), LEAF, 61_000) is None


@pytest.mark.parametrize("seed", range(20))
def test_the_window_of_tokens_agrees_with_a_plain_list(seed: int) -> None:
    """Every decision and every time told, over long runs with corrections in both directions."""
    dice = random.Random(seed)
    rate, limit, now_ms = token_rate(1_000, expected_output=50), 1_000, 0
    counted: dict[str, list[int]] = {}  # request or correction -> [second, tokens]
    running: deque[Request] = deque()

    def used(at_s: int) -> int:
        return sum(tokens for second, tokens in counted.values() if second >= at_s - 60)

    refusals = 0
    for step in range(600):
        now_ms += dice.choice([0, 300, 2_000])
        if running and dice.random() < 0.45:
            ended = running.popleft()
            usage = Usage(dice.randrange(300), dice.randrange(100))
            end(rate, ended, usage, now_ms)
            actual, at = usage.input_tokens + usage.output_tokens, counted[ended.id]
            if actual > at[1]:
                counted[f"more {ended.id}"] = [now_ms // 1000, actual - at[1]]
            elif at[0] >= now_ms // 1000 - 60:
                at[1] = actual
            continue
        asked = request(f"a{step}", dice.randrange(300))
        tokens = (asked.prompt_tokens or 0) + 50
        refused = rate.refusal(asked, LEAF, now_ms)
        at_s = now_ms // 1000
        assert (refused is None) == (used(at_s) == 0 or used(at_s) + tokens <= limit)
        if refused is None:
            counted[asked.id] = [at_s, tokens]
            running.append(asked)
            continue
        refusals += 1
        assert refused.retry_after_ms is not None
        opens_ms = now_ms + refused.retry_after_ms
        assert opens_ms % 1000 == 0
        before, then = used(opens_ms // 1000 - 1), used(opens_ms // 1000)
        assert before + tokens > limit > 0 < before
        assert then == 0 or then + tokens <= limit
    assert refusals > 20


def test_who_was_idle_for_the_window_is_forgotten() -> None:
    requests, tokens = RequestRate(5), token_rate(100)
    assert requests.refusal(request("a1"), LEAF, 0) is None
    assert tokens.refusal(request("a1"), LEAF, 0) is None
    assert requests.refusal(request("b1"), OTHER, 61_000) is None
    assert tokens.refusal(request("b1"), OTHER, 61_000) is None
    assert len(requests._admitted) == len(tokens._windows) == 1


def test_being_told_that_a_tenant_is_idle_erases_no_minute() -> None:
    for rate in (RequestRate(1), token_rate(10)):
        assert rate.refusal(request("a1"), LEAF, 0) is None
        rate.forget(LEAF)
        assert rate.refusal(request("a2"), LEAF, 59_999) is not None


@pytest.mark.parametrize("preset", ["rpm", "tpm"])
def test_rates_promise_no_shares(preset: str) -> None:
    policy = compose(preset)
    assert not policy.is_fair
    assert policy.lag_bound(window=1, request_units_max=1, weight_min=1) is None


def test_nothing_is_given_back_for_what_has_left_the_window() -> None:
    window = TokenWindow()
    window.count(50, 0)
    window.count(70, 30_000)
    window.slide(70_000)
    window.give_back(50, 0)
    assert window.tokens == 70
