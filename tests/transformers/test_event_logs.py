"""What the core decides inside transformers' scheduler, plain implementations of the same rules decide
too.

Small runs; EVENHAND_LOGS makes it a thousand of each policy, as of the other hosts.
"""

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from evenhand.scheduling import Policy
from evenhand.scheduling.order.built_in import ORDERS
from evenhand.scheduling.presets import PRESETS
from evenhand.scheduling.recorder import Event
from evenhand.stores.event_log import replay_file
from support.told_references import REFERENCES, weights_told
from support.transformers_audit import AuditedEngine, fair_engine
from support.transformers_engine import VOCABULARY, Shape

RUNS = int(os.environ.get("EVENHAND_LOGS", "250"))
"""Of each policy."""
STEPS = 60
WEIGHTS = {"a": 1, "b": 3, "c": 2}


class HurriedEngine(AuditedEngine):
    """Its books are held to the core's elsewhere, for longer; these applications cost not alike."""

    def check(self) -> None:
        self.scheduler.clear_cancelled_requests()


def a_run(model: Any, policy: str, seed: int) -> tuple[list[Event], Policy]:
    dice = random.Random(seed)
    shape = Shape(
        seats=dice.choice([2, 3, 6]),
        step_tokens=dice.choice([24, 64]),
        pages=dice.choice([20, 26, 200]),
        shares_prefixes=dice.random() < 0.5,
    )
    ceilings = {"kv_ceiling_percent": 50} if dice.random() < 0.5 else {}
    tenants = [{"name": name, "weight": weight} for name, weight in WEIGHTS.items()]
    engine = HurriedEngine(model, shape, seed=seed, policy=policy, tenants=tenants, **ceilings)
    begins = {t: [dice.randrange(VOCABULARY) for _ in range(32)] for t in "abcd"}
    for _ in range(STEPS):
        while len(engine.scheduler.waiting_requests) < 8 and dice.random() < 0.5:
            tenant = dice.choice("aaaabcd")
            prompt = begins[tenant][: dice.choice([0, 32])]
            prompt = prompt + [dice.randrange(VOCABULARY) for _ in range(dice.randrange(1, 70))]
            engine.ask(tenant, prompt, dice.randrange(1, 16), dice.choice(["chat", "search"]))
        if dice.random() < 0.1 and engine.work:
            engine.abort(dice.choice(list(engine.work)))
        engine.step()
    return engine.events, engine.host.scheduler.settings.policy


def compare(model: Any, policy: str, seed: int) -> tuple[int, Counter[str]]:
    """How much was started, and how often the core was told what."""
    events, composed = a_run(model, policy, seed)
    _, told, _ = REFERENCES[policy]
    starts = told(events, composed, weights_told(events, {**WEIGHTS, "anonymous": 1}))
    return starts, Counter(event.method for event in events)


@pytest.mark.parametrize("policy", ["vtc", "wsc", "dlpm"])
def test_the_core_inside_transformers_decides_as_the_reference(model: Any, policy: str) -> None:
    starts, told = 0, Counter[str]()
    for seed in range(RUNS):
        some, methods = compare(model, policy, seed)
        starts, told = starts + some, told + methods
    assert starts > 10 * RUNS
    happened = {"submit", "next", "produced", "prompt_counted", "preempted", "settle", "cancel"}
    assert told.keys() >= happened | {"apply", "hold_back", "let_go"}


@pytest.mark.parametrize("policy", ["vtc", "wsc", "dlpm"])
def test_control_another_order_is_seen(model: Any, policy: str) -> None:
    other = {policy: PRESETS[policy].swapped(order=ORDERS["anyone"])}
    seen = pytest.raises((AssertionError, KeyError, ValueError))
    with patch.dict(PRESETS, other), seen:
        for seed in range(20):
            compare(model, policy, seed)


def test_a_log_that_the_plug_in_wrote_replays(model: Any, tmp_path: Path) -> None:
    log = tmp_path / "inside.jsonl.gz"
    engine = fair_engine(model, Shape(pages=30), event_log=str(log))
    for number in range(30):
        engine.add(f"{'ab'[number % 2]}~{number}", [5] * (10 + number), 8)
    engine.run_dry()
    engine.scheduler._event_log.close()
    replayed = replay_file(log)
    assert replayed.host == "transformers"
    assert replayed.difference is None
    assert replayed.ended == "complete"
    assert replayed.calls > 200
