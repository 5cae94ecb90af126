"""A measured run of vLLM on an RTX 4090 that fills its memory, replayed."""

import pytest

from evenhand.sim.calibration.calibrate import calibrate
from evenhand.sim.engine.step_cost import StepCost
from evenhand.sim.engine_log.file import read_log
from evenhand.sim.engine_log.replay import replay
from evenhand.sim.engine_log.timestamps import Timestamps
from evenhand.sim.golden.slow_answers import slow_answers
from evenhand.sim.golden.vllm_comparison import compare
from evenhand.sim.profile import load_profile
from support.shared_data import shared_file

RUN = "llmservingsim_rtx4090_llama31_8b_vllm019_requests.jsonl"
FITTED = 150
SHIPPED = load_profile("rtx4090-llama-3.1-8b")
# 1,008 GB/s at 92 % (weights) and 78 % (cache), 165 TFLOPS at 87 %; the rest as the L40S.
DATASHEET = SHIPPED.model_copy(
    update={
        "step": StepCost(
            t_host_ms=1.0,
            t_w_ms=17.3,
            c_t_ms=0.1117,
            c_kv_ms=1.67e-4,
            c_r_ms=0.0226,
            c_a_ms=5.7e-6,
            p=2.7,
        )
    }
)


@pytest.fixture(scope="module")
def run() -> list[Timestamps]:
    return read_log(shared_file(RUN)).requests


def test_fitted_on_the_first_half_the_second_is_met(run: list[Timestamps]) -> None:
    found = calibrate(run, DATASHEET, fit_first=FITTED)
    assert found.held_out_before.end_to_end.median < 0.1  # the datasheet alone
    assert found.held_out_after.end_to_end.median < 0.02
    assert found.held_out_after.ttft.median < 0.02
    assert found.held_out_after.time_per_token.median < 0.04
    for name, value in found.profile.step.model_dump(exclude_none=True).items():
        assert getattr(SHIPPED.step, name) == pytest.approx(value, rel=0.05), name


def test_order_and_preemption_are_met(run: list[Timestamps]) -> None:
    found = compare(run, replay(run, SHIPPED), slice(FITTED, None))
    assert found.requests == 150
    assert found.first_tokens.rank_correlation > 0.999
    assert found.ends.rank_correlation > 0.99
    assert found.ends.inversions < 0.03
    assert abs(found.makespan_error) < 0.02
    whole = compare(run, replay(run, SHIPPED), slice(None)).preemption
    assert (whole.measured_slow, found.preemption.measured_slow) == (49, 16)
    assert 35 <= whole.simulated_slow <= 65
    assert 10 <= found.preemption.simulated_slow <= 22
    assert whole.slow_in_both >= 25


def test_requests_that_stood_still_were_preempted(run: list[Timestamps]) -> None:
    """What is inferred from timestamps alone, checked where the truth is known."""
    ours = replay(run, SHIPPED)
    slow = slow_answers(ours.log)
    assert sum(slow) > 40
    assert all(times for is_slow, times in zip(slow, ours.preempted, strict=True) if is_slow)


def test_with_memory_enough_hardly_anybody_seems_to_stand_still(run: list[Timestamps]) -> None:
    ours = replay(run, SHIPPED.model_copy(update={"kv_tokens": 1_000_000}))
    assert not any(ours.preempted)
    assert sum(slow_answers(ours.log)) < len(run) / 20
