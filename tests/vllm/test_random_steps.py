"""Ten thousand random steps of vLLM's own scheduler with the core inside, everything checked after each.

What is checked is in `support.vllm_audit`: work and memory are conserved, the core believes what is so,
every request ends once with the right answer, and the charges are what was computed, to the token.
"""

import dataclasses
from pathlib import Path

import pytest

from evenhand.inengine.vllm import FairScheduler
from support.vllm_runs import HEARS_HINTS, ROOMY, TIGHT, Run
from support.vllm_traffic import Crowd

MUST_HAPPEN = {
    "aborts",
    "bad grammars",
    "cached tokens",
    "grammars",
    "pauses",
    "preemptions",
    "recomputed tokens",
    "resets",
    "steps with somebody waiting",
    "steps without room",
}


def fair(tiny: Path, policy: str = "vtc") -> Run:
    return Run(scheduler=FairScheduler, model=tiny, settings={**HEARS_HINTS, "policy": policy})


@pytest.mark.parametrize("policy", ["vtc", "wsc", "dlpm"])
def test_ten_thousand_steps_with_everything_that_may_happen(tiny: Path, policy: str) -> None:
    traffic = fair(tiny, policy)(seed=1, steps=10_000)
    seen = traffic.engine.seen
    assert {name for name in MUST_HAPPEN if seen[name]} == MUST_HAPPEN
    assert seen["preemptions"] > 50
    assert len(traffic.engine.ended) > 2_000


@pytest.mark.parametrize("seed", range(3))
def test_steps_that_wait_for_their_output(tiny: Path, seed: int) -> None:
    shape = dataclasses.replace(TIGHT, is_async=False)
    dataclasses.replace(fair(tiny), shape=shape)(seed=seed, steps=1_000)


@pytest.mark.parametrize("seed", range(3))
def test_long_prompts_in_chunks(tiny: Path, seed: int) -> None:
    shape = dataclasses.replace(ROOMY, long_prefill_tokens=48, step_tokens=96)
    crowd = Crowd(prompt_tokens_max=600)
    dataclasses.replace(fair(tiny), shape=shape, crowd=crowd)(seed=seed, steps=1_000)


@pytest.mark.parametrize("seed", range(3))
def test_many_seats(tiny: Path, seed: int) -> None:
    shape = dataclasses.replace(ROOMY, seats=32, step_tokens=512)
    crowd = Crowd(waiting={"flood": 60, "b": 8, "c": 8})
    dataclasses.replace(fair(tiny), shape=shape, crowd=crowd)(seed=seed, steps=400)
