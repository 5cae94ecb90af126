"""Runs of the real scheduler under seeded traffic, each in one call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vllm.v1.core.sched.scheduler import Scheduler

from support.vllm_audit import AuditedEngine
from support.vllm_bare import Shape, bare_scheduler
from support.vllm_traffic import Crowd, Traffic

TIGHT = Shape(seats=4, step_tokens=128, blocks=18)
"""So little memory that requests which run are preempted now and then."""

ROOMY = Shape(seats=4, step_tokens=128, blocks=400)

HEARS_HINTS = {"trust_hints": True}


@dataclass(frozen=True, kw_only=True)
class Run:
    scheduler: type[Scheduler]
    model: Path
    shape: Shape = TIGHT
    crowd: Crowd = field(default_factory=Crowd)
    settings: dict[str, Any] | None = None
    engine: Callable[[Scheduler, Shape], AuditedEngine] = AuditedEngine

    def __call__(self, seed: int, steps: int) -> Traffic:
        """Raises AssertionError where something is not as promised."""
        bare = bare_scheduler(self.scheduler, self.model, self.shape, self.settings)
        traffic = Traffic(self.engine(bare, self.shape), self.crowd, seed)
        traffic.run(steps)
        return traffic

    @property
    def request_units_max(self) -> int:
        crowd = self.crowd
        return crowd.prompt_tokens_max * 10 + crowd.output_tokens_max * 20
