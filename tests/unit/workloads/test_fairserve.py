"""The platform resembles the trace of FairServe's artifact in the figures that are told of it."""

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest

from evenhand.workloads.ask import Ask
from evenhand.workloads.catalog import WORKLOADS
from evenhand.workloads.workload import DialValue, Workload


def made(name: str, **values: DialValue) -> Workload:
    return WORKLOADS[f"fairserve/{name}"].make(1, values)


def whole_trace() -> list[Ask]:
    """Before the runner divides lengths and drops long calls."""
    return list(made("platform", divide=1, tokens_max=0).asks)


def of_interactions(asks: list[Ask]) -> list[list[Ask]]:
    calls: dict[str | int, list[Ask]] = defaultdict(list)
    for ask in asks:
        calls[ask.interaction or ask.id].append(ask)
    return list(calls.values())


def test_users_share_the_requests_as_measured() -> None:
    """`algorithms.md` 2.5: top four 2,092, 600, 288, 130; top 1 % 34.8 %, top 10 % 53.5 %."""
    users = sorted(Counter(ask.tenant for ask in whole_trace()).values(), reverse=True)
    assert sum(users) == 10_000
    assert len(users) == pytest.approx(1358, rel=0.02)
    for ours, measured in zip(users, (2092, 600, 288, 130), strict=False):
        assert ours == pytest.approx(measured, rel=0.2)
    assert sum(users[:14]) / 10_000 == pytest.approx(0.348, abs=0.02)
    assert sum(users[:136]) / 10_000 == pytest.approx(0.535, abs=0.05)


def test_lengths_are_spread_as_measured() -> None:
    inputs = np.array([ask.input_tokens for ask in whole_trace()])
    outputs = np.array([ask.output_tokens for ask in whole_trace()])
    assert inputs.mean() == pytest.approx(5809, rel=0.05)
    assert outputs.mean() == pytest.approx(109, rel=0.1)
    for lengths, ratio in ((inputs, 13_697 / 3573), (outputs, 312 / 31)):
        median, high = np.percentile(lengths, [50, 90])
        assert high / median == pytest.approx(ratio, rel=0.1)


@pytest.mark.parametrize(
    ("application", "requests", "interactions", "input_tokens", "output_tokens"),
    [
        ("app-17", 4680, 1323, 5762, 57),
        ("app-7", 971, 971, 4070, 58),
        ("app-21", 652, 652, 17_247, 535),
        ("app-8", 546, 546, 1115, 5),
        ("app-5", 409, 197, 4240, 43),
    ],
)
def test_applications_have_their_requests_interactions_and_lengths(
    application: str, requests: int, interactions: int, input_tokens: int, output_tokens: int
) -> None:
    asks = [ask for ask in whole_trace() if ask.application == application]
    assert len(asks) == pytest.approx(requests, rel=0.2)
    assert len(of_interactions(asks)) == pytest.approx(interactions, rel=0.2)
    assert sum(a.input_tokens for a in asks) / len(asks) == pytest.approx(input_tokens, rel=0.2)
    # Means of lognormal outputs are led by few.
    assert sum(a.output_tokens for a in asks) / len(asks) == pytest.approx(output_tokens, rel=0.3)


def test_an_interaction_takes_1_9_calls_of_one_application_and_user() -> None:
    interactions = of_interactions(whole_trace())
    assert len(interactions) == pytest.approx(5251, rel=0.05)
    for calls in interactions:
        assert len({(ask.tenant, ask.application) for ask in calls}) == 1
        assert [ask.call_index for ask in calls] == list(range(len(calls)))
        assert {ask.calls_total for ask in calls} == {len(calls)}


def test_the_runners_rule_leaves_as_many_requests_and_interactions_as_in_the_artifact() -> None:
    asks = list(made("platform").asks)
    assert len(asks) == pytest.approx(9241, rel=0.02)
    assert len(of_interactions(asks)) == pytest.approx(4809, rel=0.05)
    assert max(ask.input_tokens + ask.output_tokens for ask in asks) < 2000
    assert asks[-1].at_ms / 1000 == pytest.approx(72, rel=0.05)


@pytest.mark.parametrize("name", ["platform", "pair"])
def test_in_a_closed_loop_a_call_waits_for_the_answer_to_the_one_before(name: str) -> None:
    chains = [calls for calls in of_interactions(list(made(name).asks)) if len(calls) > 1]
    assert chains
    for calls in chains:
        assert not calls[0].after
        for before, ask in itertools.pairwise(calls):
            assert ask.after == (before.id,)
            assert before.is_awaited
            assert ask.think_ms > 0


@pytest.mark.parametrize("name", ["platform", "pair"])
def test_an_open_loop_sends_the_same_calls_by_the_clock(name: str) -> None:
    closed, opened = list(made(name).asks), list(made(name, loop="open").asks)
    assert not any(ask.after or ask.is_awaited for ask in opened)

    def calls(asks: list[Ask]) -> Counter[tuple[object, ...]]:
        return Counter((a.tenant, a.interaction, a.input_tokens, a.output_tokens) for a in asks)

    assert calls(closed) == calls(opened)
    for chain in of_interactions(opened):
        assert [ask.at_ms for ask in chain] == sorted(ask.at_ms for ask in chain)


def test_load_speeds_interactions_up_and_changes_nothing_else() -> None:
    one, two = made("platform"), made("platform", load=2.0)
    for ask, faster in zip(one.asks, two.asks, strict=True):
        assert faster.at_ms == pytest.approx(ask.at_ms / 2)
        assert (faster.tenant, faster.input_tokens) == (ask.tenant, ask.input_tokens)


@pytest.mark.parametrize(("requests", "users"), [(1, 1), (7, 3), (500, 20)])
def test_a_platform_may_be_small(requests: int, users: int) -> None:
    workload = made("platform", requests=requests, users=users, tokens_max=0)
    assert workload.size == len(list(workload.asks)) == requests
    assert len(workload.tenants) == users


def test_expectations_are_in_the_tokens_that_are_sent() -> None:
    assert made("platform", divide=1).application_units["app-17"] == 5771 + 2 * 58
    assert made("platform").application_units["app-17"] == (5771 + 2 * 58) // 8


def test_system_tokens_are_shared_by_an_application() -> None:
    first: dict[str, set[int]] = defaultdict(set)
    for ask in made("platform", system_tokens=20).asks:
        assert ask.system_tokens == min(20, ask.input_tokens)
        first[ask.application].add(ask.prompt[0].content)
    assert all(len(contents) == 1 for contents in first.values())
    assert len(set().union(*first.values())) == len(first)


def test_the_pair_has_the_lengths_rates_and_calls_of_the_artifact() -> None:
    workload = made("pair", loop="open")
    for user, lengths, calls, rate in ((1, (200, 100, 100), 4, 16), (2, (50, 50, 50), 1, 8)):
        asks = [ask for ask in workload.asks if ask.tenant == (f"user-{user}",)]
        assert len(asks) == 1000
        assert {(a.input_tokens, a.system_tokens, a.output_tokens) for a in asks} == {lengths}
        assert {ask.calls_total for ask in asks} == {calls}
        assert 1000 / (asks[-1].at_ms / 1000) == pytest.approx(rate, rel=0.15)
    assert workload.application_units == {"app-1": 800, "app-2": 200}
