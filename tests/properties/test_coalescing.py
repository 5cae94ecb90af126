"""Running through quiet stretches at once changes nothing: not one figure of one request.

Two comparisons. The coalescing engine against itself one step at a time: equal to the last bit, since
both read the same timetable. And against an engine written again as plainly as can be, step by step and
block by block: equal within what adding up floats costs.
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from evenhand.scheduling import PRESETS
from support.plain_vllm import PlainVllm
from support.vllm_fleet import Scene, play, step_by_step, unlike
from support.vllm_scenes import scenes, seeded_scene


def check(scene: Scene) -> None:
    coalesced = play(scene)
    assert not unlike(coalesced, play(scene, step_by_step), within_ms=0.0)
    assert not unlike(coalesced, play(scene, PlainVllm), within_ms=1e-6)


@settings(max_examples=80)
@given(scenes())
def test_no_figure_depends_on_coalescing(scene: Scene) -> None:
    check(scene)


@pytest.mark.parametrize("seed", range(12))
def test_no_figure_of_a_longer_run_depends_on_coalescing(seed: int) -> None:
    check(seeded_scene(seed, asks=150))


@pytest.mark.parametrize("seed", range(6))
def test_engines_that_are_alike_to_the_last_bit_stay_so(seed: int) -> None:
    """Many things happen to them at one moment, and in the same order."""
    scene = replace(seeded_scene(seed, asks=100), slowdowns=())
    assert not unlike(play(scene), play(scene, step_by_step), within_ms=0.0)


@pytest.mark.parametrize("seed", [*range(4), 25, 33, 51, 54])
def test_what_caches_drop_is_told_at_moments_that_do_not_depend_on_coalescing(seed: int) -> None:
    scene = seeded_scene(seed, asks=150)
    scene = replace(
        scene,
        policy=PRESETS["d2lpm"],
        profile=scene.profile.model_copy(update={"kv_tokens": 1300, "prefix_cache": True}),
        engines=3,
        is_in_engine=False,
        hears_evictions=True,
    )
    assert not unlike(play(scene), play(scene, step_by_step), within_ms=0.0)


def test_the_longer_runs_hold_all_that_can_happen() -> None:
    played = [(scene := seeded_scene(seed, asks=150), play(scene)) for seed in range(12)]
    assert sum(e.preemptions for _, run in played for e in run.engines) > 40
    assert sum(e.cached_tokens for _, run in played for e in run.engines) > 10_000
    assert len({scene.policy.name for scene, _ in played}) == 3
    assert {scene.charge_every_ms for scene, _ in played} == {0.0, 250.0}
    assert len({fate for _, run in played for fate in run.record.fate}) >= 3
    assert any(scene.failures for scene, _ in played)
    assert {scene.is_in_engine for scene, _ in played} == {False, True}
