"""Steps of an S-LoRA-like engine that are taken at once, and looks that are skipped, change nothing."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.scheduling import PRESETS
from support.slora_fleet import coalesced, on_slora, step_by_step
from support.vllm_fleet import Scene, play, unlike
from support.vllm_scenes import scenes, seeded_scene

POOLS = (1000, 1600, 5000)


def check(scene: Scene) -> None:
    assert not unlike(play(scene, coalesced), play(scene, step_by_step), within_ms=0.0)


@settings(max_examples=60)
@given(scenes(), st.sampled_from(POOLS), st.sampled_from((3, 16)))
def test_no_figure_depends_on_coalescing(scene: Scene, pool: int, sequences: int) -> None:
    check(on_slora(scene, kv_tokens=pool, sequences_max=sequences))


@pytest.mark.parametrize("seed", range(12))
def test_no_figure_of_a_longer_run_depends_on_coalescing(seed: int) -> None:
    check(on_slora(seeded_scene(seed, asks=120), kv_tokens=POOLS[seed % 3]))


@pytest.mark.parametrize("policy", ["fcfs", "vtc", "las", "fairserve"])
@pytest.mark.parametrize("seed", range(4))
def test_nor_does_it_with_the_core_inside_the_engine(policy: str, seed: int) -> None:
    scene = seeded_scene(seed, asks=120)
    inside = replace(
        on_slora(scene, kv_tokens=POOLS[seed % 3]),
        policy=PRESETS[policy],
        engines=1,
        is_in_engine=True,
        slowdowns=[(at_ms, 0, factor) for at_ms, _, factor in scene.slowdowns],
        failures=[(at_ms, 0) for at_ms, _ in scene.failures],
    )
    check(inside)


def test_the_longer_runs_hold_all_that_can_happen() -> None:
    played = [seeded_scene(seed, asks=120) for seed in range(12)]
    assert any(scene.is_in_engine for scene in played)
    assert any(not scene.is_in_engine for scene in played)
    assert any(scene.failures for scene in played)
    assert all(scene.slowdowns for scene in played)
    assert any(scene.patience_ms for scene in played)
