"""What the core decides inside vLLM's scheduler, plain implementations of the same rules decide too.

Small runs, 250 of each policy as a rule; EVENHAND_LOGS makes it a thousand, as of the other hosts.
"""

import os
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from evenhand.inengine.vllm import FairScheduler
from evenhand.scheduling.order.built_in import ORDERS
from evenhand.scheduling.presets import PRESETS
from evenhand.stores.event_log import replay_file
from support.told_references import REFERENCES, weights_told
from support.vllm_logs import a_run
from support.vllm_runs import HEARS_HINTS, TIGHT, Run

RUNS = int(os.environ.get("EVENHAND_LOGS", "250"))
"""Of each policy."""

BEFOREHAND = {"anonymous": 1}


def compare(policy: str, model: Path, seed: int) -> tuple[int, Counter[str]]:
    """How much was started, and how often the core was told what."""
    events, composed, _ = a_run(policy, model, seed)
    _, told, _ = REFERENCES[policy]
    starts = told(events, composed, weights_told(events, BEFOREHAND))
    return starts, Counter(event.method for event in events)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("policy", ["vtc", "wsc", "dlpm"])
def test_the_core_inside_vllm_decides_as_the_reference(tiny: Path, policy: str) -> None:
    starts, told = 0, Counter[str]()
    for seed in range(RUNS):
        some, methods = compare(policy, tiny, seed)
        starts, told = starts + some, told + methods
    assert starts > 20 * RUNS
    happened = {"submit", "next", "produced", "prompt_counted", "preempted", "settle", "cancel"}
    happened |= {"apply", "hold_back", "let_go"}
    assert told.keys() >= happened
    if policy == "dlpm":
        assert told.keys() >= {"stored", "evicted"}


@pytest.mark.parametrize("policy", ["vtc", "wsc", "dlpm"])
def test_control_another_order_is_seen(tiny: Path, policy: str) -> None:
    other: dict[str, Any] = {policy: PRESETS[policy].swapped(order=ORDERS["anyone"])}
    seen = pytest.raises((AssertionError, KeyError, ValueError))
    with patch.dict(PRESETS, other), seen:
        for seed in range(20):
            compare(policy, tiny, seed)


def test_a_log_that_the_plug_in_wrote_replays(tiny: Path, tmp_path: Path) -> None:
    log = tmp_path / "inside.jsonl.gz"
    run = Run(
        scheduler=FairScheduler,
        model=tiny,
        shape=TIGHT,
        settings={**HEARS_HINTS, "event_log": str(log)},
    )
    traffic = run(seed=1, steps=300)
    traffic.engine.scheduler.shutdown()
    replayed = replay_file(log)
    assert replayed.host == "vllm"
    assert replayed.difference is None
    assert replayed.ended == "complete"
    assert replayed.calls > 1_500
