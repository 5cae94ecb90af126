"""What every placement promises, with queues that keep homes and with such that do not."""

import subprocess
import sys
from pathlib import Path

import pytest

from evenhand.scheduling import PRESETS, compose
from evenhand.scheduling.placement.built_in import PLACEMENTS
from support.placement_history import PlacementHistory

SMALL = {
    "consistent-hash": {"key_bytes": 200, "load_percent_max": 120},
    "cache-aware": {"imbalance_requests": 2},
    "preble": {"window_requests": 20, "rebalance_tokens_min": 500},
    "d2lpm": {"engine_quantum_tokens": 1_500},
}
"""Values at which their limits are met all the time."""
ROOT = Path(__file__).parents[2]


def history(preset: str, placement: str, seed: int) -> PlacementHistory:
    policy = compose(preset, placement=placement, settings=SMALL.get(placement, {}))
    return PlacementHistory(policy, seed)


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("preset", ["vtc", "fcfs", "lpm", "dlpm"])
def test_only_candidates_are_chosen_no_slot_idles_and_nothing_stays_behind(
    preset: str, placement: str
) -> None:
    for seed in range(3):
        run = history(preset, placement, seed)
        run.run(600)
        kept = run.core._placement
        outstanding = getattr(kept, "_outstanding", None)
        if outstanding is not None:
            assert not outstanding._counted
            assert not any(outstanding._tokens.values())
            assert not any(outstanding._requests.values())
        for name in ("_placed", "_charged_at_home"):
            assert not getattr(kept, name, {})
        if hasattr(kept, "_holders"):
            assert not kept._holders._waiting
        if hasattr(kept, "_near"):
            assert not any(kept._near.values())


@pytest.mark.parametrize("preset", ["vtc", "dlpm"])
def test_equal_calls_give_equal_answers_in_every_process(preset: str) -> None:
    code = (
        "import sys\n"
        "from properties.test_placements import PLACEMENTS, history\n"
        "for placement in PLACEMENTS:\n"
        "    print(placement, history(sys.argv[1], placement, 7).run(300))\n"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code, preset],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'src'}"},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(answers) == 1
    (answer,) = answers
    decisions = [line.partition(" ")[2] for line in answer.splitlines()]
    assert len(set(decisions)) == len(PLACEMENTS), "each decides in its own way"


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_placements_do_not_change_whose_turn_it_is_in_a_bound(placement: str) -> None:
    """The bound belongs to the order; every placement can be chosen under every preset."""
    for preset in PRESETS:
        policy = compose(preset, placement=placement)
        figures = {"window": 4, "request_units_max": 100, "weight_min": 1}
        assert policy.lag_bound(**figures) == PRESETS[preset].lag_bound(**figures)


def test_policies_say_whether_they_need_the_text_or_the_index_as_well() -> None:
    texts = {name for name in PLACEMENTS if compose(placement=name).reads_prefix}
    indexes = {name for name in PLACEMENTS if compose(placement=name).asks_prefixes}
    assert texts - indexes == {"consistent-hash"}
    assert indexes == {"cache-aware", "preble", "d2lpm"}


def test_forgotten_tenants_leave_no_quanta_behind() -> None:
    run = history("vtc", "d2lpm", 1)
    run.run(200)
    assert run.core._placement._quanta  # type: ignore[attr-defined]
    run.now_ms += 10**6
    for _ in range(3):  # each second the hand looks at some nodes
        run.now_ms += 1_000
        run.arrives()
        run.start()
        run.drain()
        run.now_ms += 100_000
    assert len(run.core._placement._quanta) <= 1  # type: ignore[attr-defined]
