"""The figures of `make neighbour`, from records made by hand."""

from array import array

import pytest
from bench.neighbour.arms import DIRECT, FREE_SLOT, LANE_FREE, VTC
from bench.neighbour.fairness import fairness
from bench.neighbour.figures import quantile, releases_s, steps_s, tokens_per_s, waits_s
from bench.neighbour.plot import svg
from bench.neighbour.queueing import queueing
from bench.neighbour.reasoning import steps_apart
from bench.neighbour.report import rounded, rows, verdicts
from bench.neighbour.rounds import Figures
from bench.neighbour.traffic import BACKLOGGED, NOISE, VICTIM

from evenhand.cli.demo.record import End, Record
from evenhand.model import Usage


def record(
    tenant: str,
    sent_at: float,
    *token_at: float,
    prompt_tokens: int = 10,
    is_done: bool = True,
) -> Record:
    ended_at = token_at[-1] if token_at and is_done else None
    return Record(
        tenant=tenant,
        prompt_characters=4 * prompt_tokens,
        output_tokens_max=len(token_at),
        sent_at=sent_at,
        token_at=array("d", token_at),
        ended_at=ended_at,
        end=End.DONE if ended_at is not None else End.CUT,
        usage=Usage(prompt_tokens, len(token_at)) if ended_at is not None else None,
    )


def test_the_same_seed_asks_the_same_and_each_client_its_own() -> None:
    def first(client: int, seed: int) -> list[str]:
        asks = NOISE.asks(client, seed)
        return [next(asks).text for _ in range(3)]

    assert first(0, 1) == first(0, 1)
    assert first(0, 1) != first(1, 1) != first(1, 2)


def test_lengths_stay_between_their_ends() -> None:
    asks = VICTIM.asks(0, 1)
    for ask in (next(asks) for _ in range(200)):
        assert VICTIM.words[0] <= len(ask.text.split()) <= VICTIM.words[1]
        assert VICTIM.output_tokens[0] <= ask.output_tokens <= VICTIM.output_tokens[1]
        assert VICTIM.think_s[0] <= ask.think_s <= VICTIM.think_s[1]


def test_a_request_without_a_token_counts_with_its_waiting_so_far_if_that_is_long() -> None:
    heard = [record("chat", 0.0, 1.0), record("chat", 2.0, 3.0)]
    has_just_come = record("chat", 9.9)
    has_waited = record("chat", 4.0)
    assert waits_s([*heard, has_just_come], seconds=10.0) == [1.0, 1.0]
    assert waits_s([*heard, has_waited], seconds=10.0) == [1.0, 1.0, 6.0]
    assert waits_s([has_waited], seconds=10.0) == [6.0]


def test_steps_are_between_tokens_of_one_answer() -> None:
    found = steps_s([record("a", 0.0, 1.0, 1.5, 3.5), record("b", 0.0, 2.0)])
    assert found == [0.5, 2.0]


def test_a_slot_comes_free_when_the_next_of_the_others_ends() -> None:
    others = [record("flood", 0.0, 2.0), record("flood", 0.0, 5.0), record("flood", 0.0)]
    victims = [record("chat", 1.0, 3.0), record("chat", 4.5, 6.0), record("chat", 5.5, 7.0)]
    assert releases_s(victims, others) == [1.0, 0.5]


def test_tokens_a_second_leave_the_ramp_out() -> None:
    records = [record("a", 0.0, 0.5, prompt_tokens=100), record("a", 0.0, 2.0, 3.0)]
    assert tokens_per_s(records, since_s=1.0, seconds=5.0) == (10 + 2) / 4


def test_quantiles_are_of_what_there_is() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([3.0, 1.0, 2.0], 0.99) == 3.0


def test_the_gateway_tells_waits_and_releases_by_its_own_clock() -> None:
    def line(tenant: str, ended: str, duration_ms: float, wait_ms: int | None) -> dict[str, object]:
        return {
            "time": f"2026-01-01T00:00:{ended}+00:00",
            "tenant": tenant,
            "duration_ms": duration_ms,
            "queue_wait_ms": wait_ms,
        }

    told = [
        line("flood", "01.000000", 900.0, 0),
        line("flood", "01.400000", 900.0, 0),
        line("flood", "01.300000", 10.0, None),  # was never started: it held no slot
        line("chat", "02.000000", 800.0, 210),  # came at 1.2
    ]
    found = queueing(told, tenant="chat")
    assert found["queue_wait_s"] == [0.21]
    assert found["release_s"] == [pytest.approx(0.2)]


def backlogged(tenant: str, share: float, *, seconds: int = 40) -> list[Record]:
    """Ten clients' requests, all sent at once, which get `share` of ten tokens a second."""
    step = 1 / (10 * share)
    count = int(seconds / (10 * step))
    return [
        record(
            tenant,
            0.0,
            *((10 * number + token + 1) * step for token in range(10)),
            prompt_tokens=1,
        )
        for number in range(count)
    ]


def test_equal_service_is_due_and_received() -> None:
    records = [*backlogged("a", 0.5), *backlogged("b", 0.5)]
    even = fairness(records, backlogged=("a", "b"), since_s=0.0, seconds=40.0)
    assert even.over_due, "the scene is longer than a window"
    for window in even.over_due:
        assert window["a"] == pytest.approx(1, abs=0.15)
        assert window["b"] == pytest.approx(1, abs=0.15)
    assert even.jain_1s == pytest.approx(1, abs=0.02)


def test_who_is_given_a_fifth_of_its_due_is_seen() -> None:
    waits = [record("b", 0.0) for _ in range(50)]
    for each in waits:
        each.output_tokens_max = 10
    records = [*backlogged("a", 0.9), *backlogged("b", 0.1), *waits]
    even = fairness(records, backlogged=("a", "b"), since_s=0.0, seconds=40.0)
    assert len(even.over_due) >= 1
    for window in even.over_due:
        assert window["b"] == pytest.approx(0.2, abs=0.1)
        assert window["a"] == pytest.approx(1.8, abs=0.1)
    assert even.gap_s["b"] >= 1.0


def test_a_step_that_a_long_prompt_makes_late_is_told_apart() -> None:
    chats = [record("chat", 0.0, 0.5, 1.5, 2.5, 2.6)]
    long = [record("thinker", 1.0, 2.0, 3.0)]
    prompt, thinking = steps_apart(chats, long)
    assert prompt == [1.0, 1.0]  # the second began before the prompt was done
    assert thinking == [pytest.approx(0.1)]
    assert steps_apart([record("chat", 0.0, 0.2, 0.4)], long) == ([], [])


def turn(alone_s: float, beside_s: float, tokens_per_s: float, **more: object) -> Figures:
    scene = {"step_p99_s": 0.01, "flood_step_p99_s": 0.01, "cpu": {"engine": 1.0}}
    return {
        "alone": {"ttft_s": [alone_s] * 3},
        "beside": {
            "ttft_s": [beside_s] * 3,
            "tokens_per_s": tokens_per_s,
            "release_s": [0.05, 0.15],
            **scene,
            **more,
        },
    }


MIXED = {
    "over_due": [{"a": 0.95, "b": 1.05}, {"a": 0.8, "b": 1.2}],
    "window_s": 2.0,
    "jain_1s": 0.99,
    "jain_1s_min": 0.9,
    "gap_s": {"a": 0.5, "b": 0.1},
    "tokens_per_s": 90.0,
}


def test_rows_pool_waits_and_take_the_worst_window() -> None:
    repetition = {
        DIRECT: turn(0.01, 5.0, 100.0),
        FREE_SLOT: turn(0.01, 0.02, 90.0),
        VTC: turn(0.01, 0.08, 99.0, queue_wait_s=[0.06, 0.16]) | {"mixed": MIXED},
    }
    found = rows([repetition, repetition])
    assert found[DIRECT]["ratio"] == pytest.approx(500)
    assert found[VTC]["ratio"] == pytest.approx(8)
    assert found[VTC]["fuller_batch_ratio"] == pytest.approx(2)
    assert found[VTC]["wait_over_release"] == pytest.approx(1.1)
    assert found[VTC]["tokens_over_direct"] == pytest.approx(0.99)
    assert found[VTC]["over_due_min"] == 0.8
    assert found[VTC]["windows"] == 4
    assert found[VTC]["gap_s_max"] == 0.5


def test_a_target_is_judged_where_its_figure_is_there() -> None:
    repetition = {DIRECT: turn(0.01, 5.0, 100.0), LANE_FREE: turn(0.01, 0.05, 97.0)}
    judged = {each["figure"]: each for each in verdicts("vllm", rows([repetition]))}
    assert set(judged) == {"ratio", "tokens_over_direct"}
    assert not judged["ratio"]["is_met"]
    assert judged["ratio"]["at_most"] == 4
    assert not judged["tokens_over_direct"]["is_met"]


def test_the_plot_has_a_line_for_each_arm_also_for_one_without_a_second_scene() -> None:
    repetition = {DIRECT: turn(0.01, 50.0, 100.0), VTC: turn(0.01, 0.08, 99.0) | {"mixed": MIXED}}
    drawn = svg({"an engine": rows([repetition])})
    assert drawn.count(">an engine<") == 1
    assert f">{VTC}<" in drawn
    assert ">5000x<" in drawn
    assert ">0.80<" in drawn


def test_json_has_no_digits_that_mean_nothing() -> None:
    assert rounded({"a": [1.23456, 1], "b": None}) == {"a": [1.235, 1], "b": None}


def test_backlogged_tenants_are_more_than_the_slots() -> None:
    for crowd in BACKLOGGED:
        assert crowd.clients > 8
