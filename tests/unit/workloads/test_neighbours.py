"""The demo's traffic is a value: the same seed, the same requests."""

import itertools
import random

import pytest

from evenhand.workloads import Call, Chains, Flood, OpenLoop, Spread, neighbours


def chat_calls(seed: int, seconds: float = 45) -> list[tuple[float, Call]]:
    chat = neighbours(seconds).chat
    return [(a.at_s, a.call) for a in chat.arrivals(seed=seed, seconds=seconds)]


def batch_calls(seed: int, count: int = 60) -> list[Call]:
    return list(itertools.islice(neighbours(45).batch.calls(seed=seed), count))


def agent_calls(seed: int, agent: int, count: int = 30) -> list[Call]:
    steps = neighbours(45).agent.steps(seed=seed, agent=agent)
    return [step.call for step in itertools.islice(steps, count)]


def test_the_same_seed_gives_the_same_requests_and_another_seed_others() -> None:
    assert chat_calls(1) == chat_calls(1) != chat_calls(2)
    assert batch_calls(1) == batch_calls(1) != batch_calls(2)
    assert agent_calls(1, 3) == agent_calls(1, 3) != agent_calls(2, 3)


@pytest.mark.parametrize("seconds", [21, 30, 45, 120])
def test_chat_asks_at_least_two_hundred_times_in_every_useful_phase(seconds: int) -> None:
    assert len(chat_calls(1, seconds)) >= 200


def test_a_short_phase_does_not_make_chat_a_flood() -> None:
    assert len(chat_calls(1, 2)) == 20


def test_chat_arrivals_are_in_order_and_inside_the_phase() -> None:
    moments = [at_s for at_s, _ in chat_calls(7)]
    assert moments == sorted(moments)
    assert moments[0] >= 0
    assert moments[-1] < 45


def test_chat_arrivals_are_scattered_as_those_of_strangers_are() -> None:
    """The gaps of a Poisson process are exponential: deviation and mean are alike."""
    chat = OpenLoop(
        tenant="t", per_second=50, prompt_words=Spread(1, 1), output_tokens=Spread(1, 1)
    )
    moments = [arrival.at_s for arrival in chat.arrivals(seed=3, seconds=100)]
    gaps = [b - a for a, b in itertools.pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert 0.9 < deviation / mean < 1.1


def test_no_two_prompts_begin_alike_but_those_of_one_chain() -> None:
    calls = [call for _, call in chat_calls(1)] + batch_calls(1)
    for agent in range(8):
        calls += [call for call in agent_calls(1, agent) if len(call.messages) == 1]
    beginnings = [" ".join(call.messages[0].text.split()[:2]) for call in calls]
    assert len(set(beginnings)) == len(beginnings)


def test_a_chain_grows_by_repeating_all_that_was_said() -> None:
    calls = agent_calls(1, 0)
    chains = [list(of) for _, of in itertools.groupby(calls, key=lambda c: c.messages[0])]
    for chain in chains[:-1]:
        assert 4 <= len(chain) <= 6
        for before, after in itertools.pairwise(chain):
            assert after.messages[: len(before.messages)] == before.messages
            assert after.prompt_characters > before.prompt_characters
            assert [message.role for message in after.messages[-2:]] == ["assistant", "user"]


def test_lengths_stay_inside_their_spread() -> None:
    flood = Flood(tenant="b", outstanding=1, prompt_words=Spread(5, 7), output_tokens=Spread(2, 3))
    calls = list(itertools.islice(flood.calls(seed=1), 200))
    words = {len(call.messages[0].text.split()) - 2 for call in calls}  # two are the title
    assert words == {5, 6, 7}
    assert {call.output_tokens_max for call in calls} == {2, 3}


def test_each_agent_has_work_of_its_own() -> None:
    assert agent_calls(1, 0) != agent_calls(1, 1)


def test_an_agent_thinks_between_its_calls() -> None:
    chains = Chains(
        tenant="a",
        agents=1,
        calls=Spread(2, 2),
        first_words=Spread(1, 1),
        added_words=Spread(4, 4),
        output_tokens=Spread(1, 1),
        think_ms=Spread(50, 150),
    )
    thinks = [step.think_s for step in itertools.islice(chains.steps(seed=1, agent=0), 50)]
    assert all(0.05 <= think <= 0.15 for think in thinks)


def test_a_spread_that_ends_before_it_begins_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        Spread(2, 1)
    assert Spread(4, 4).pick(random.Random(0)) == 4
