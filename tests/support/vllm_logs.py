"""Small runs of vLLM's scheduler with the core inside, of which every call of the core is kept."""

import random
from pathlib import Path
from unittest.mock import patch

from evenhand.inengine.event_log import Recorded
from evenhand.inengine.vllm import FairScheduler
from evenhand.inengine.vllm import scheduler as plug_in
from evenhand.scheduling import Policy
from evenhand.scheduling.recorder import Event, Recorder
from support.vllm_audit import AuditedEngine
from support.vllm_bare import Shape, Step
from support.vllm_runs import Run
from support.vllm_traffic import Crowd

STEPS = 80


class HurriedEngine(AuditedEngine):
    """Its checks are made elsewhere, for longer."""

    def check_books(self) -> None:
        pass

    def check_charges(self) -> None:
        """These applications' tokens cost not alike."""

    def check_work_is_conserved(self, step: Step, *, preempted: bool) -> None:
        pass


def a_run(policy: str, model: Path, seed: int) -> tuple[list[Event], Policy, AuditedEngine]:
    """Everything else is drawn from the seed: how large the engine is, and who comes."""
    dice = random.Random(seed)
    shape = Shape(
        seats=dice.choice([2, 3, 5]),
        step_tokens=dice.choice([64, 160]),
        blocks=dice.choice([12, 14, 40]),
        is_async=dice.random() < 0.8,
    )
    crowd = Crowd(
        waiting={"a": dice.randint(2, 8), "b": dice.randint(0, 2), "c": dice.randint(0, 1)},
        now_and_then=("rare",),
        prompt_tokens_max=130,
        output_tokens_max=16,
        weights={"a": 1, "b": 3, "c": 2, "rare": 1},
        applications=("chat", "search", "batch"),
    )
    settings = {
        "trust_hints": True,
        "policy": policy,
        "kv_ceiling_percent": dice.choice([None, 40]),
    }
    events: list[Event] = []
    kept = Recorded(lambda settings: Recorder(settings, events.append), *(lambda: None,) * 2)
    run = Run(
        scheduler=FairScheduler,
        model=model,
        shape=shape,
        crowd=crowd,
        settings={name: value for name, value in settings.items() if value is not None},
        engine=HurriedEngine,
    )
    with patch.object(plug_in, "recorded", lambda *_, **__: kept):
        engine = run(seed, STEPS).engine
    return events, engine.host.scheduler.settings.policy, engine
