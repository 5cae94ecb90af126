"""How `python -m bench.window` sums up."""

from typing import Any

from bench.window.__main__ import added, summary
from bench.window.turn import ADAPTED_S, NO_LIMIT, RAMP_S, phases


def turn(speed: float, queue: int) -> dict[str, Any]:
    return {
        "tokens_per_s": speed,
        "tokens_per_cpu_s": 2 * speed,
        "engine_queue_p50": queue,
        "engine_queue_p95": queue,
        "over_dispatch": None,
        "idle_part": 0.0,
        "running_mean": 8.0,
    }


def test_ratios_are_of_one_repetition() -> None:
    arms = {
        NO_LIMIT: {"usual": [turn(100, 50), turn(1_000, 50), turn(10, 50)]},
        "auto": {"usual": [turn(99, 1), turn(900, 2), turn(11, 0)]},
    }
    own = summary(arms)["auto"]["usual"]
    assert own["tokens_per_s_over_no_limit"] == 0.99
    assert own["engine_queue_p95"] == 1
    assert own["over_dispatch"] is None


def test_repetitions_are_added_to_those_of_before() -> None:
    one = {"arms": {"auto": {"usual": [turn(1, 1)]}}, "version": "x"}
    two = added(one, {"arms": {"auto": {"usual": [turn(2, 2)]}}, "version": "x"})
    assert [t["tokens_per_s"] for t in two["arms"]["auto"]["usual"]] == [1, 2]
    assert added(one, {"skipped": "no engine"}) == one
    assert added({}, {"skipped": "no engine"}) == {"skipped": "no engine"}


def test_what_is_measured_begins_when_it_must_have_adapted() -> None:
    usual, slow, back = phases(6, slow=True)
    assert usual == ("usual", RAMP_S, RAMP_S + 6)
    assert slow[1] == usual[2] + ADAPTED_S
    assert back[1] == slow[2] + ADAPTED_S
    assert phases(6, slow=False) == [usual]
