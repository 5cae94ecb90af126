"""Schedulers that note what each step had to do, and how long it took."""

import time
from functools import partial
from typing import Any

from transformers.generation.continuous_batching import scheduler as engine_scheduler

from bench.gpu_transformers.seen import Step, part_of, step_of
from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.transformers import FairScheduler
from evenhand.inengine.transformers.tenants import Notes


class Watched:
    """Beside a scheduler: what each step had to do, and how long it took until the next began."""

    steps: list[Step]
    began: tuple[float, list[Any]] | None

    def watch(self) -> None:
        self.steps, self.began = [], None

    def schedule_batch(self, token_budget: int, cache_budget: int) -> Any:
        now = time.perf_counter()
        if self.began is not None:
            begin, had = self.began
            self.steps.append(step_of(begin, (now - begin) * 1e3, had))
        found = super().schedule_batch(token_budget, cache_budget)  # type: ignore[misc]
        # What waits inside the engine's loop for work is no step.
        self.began = (now, [part_of(part) for part in found[0]]) if found[0] else None
        return found

    def clear_cancelled_requests(self) -> Any:
        if not self.active_requests and not self.waiting_requests:  # type: ignore[attr-defined]
            self._close()
        return super().clear_cancelled_requests()  # type: ignore[misc]

    def _close(self) -> None:
        if self.began is not None:
            begin, had = self.began
            self.steps.append(step_of(begin, (time.perf_counter() - begin) * 1e3, had))
            self.began = None


class WatchedFifo(Watched, engine_scheduler.FIFOScheduler):  # type: ignore[misc]
    def __init__(self, **how: Any) -> None:
        self.watch()
        super().__init__(**how)


class WatchedFair(Watched, FairScheduler):
    def __init__(self, **how: Any) -> None:
        self.watch()
        super().__init__(**how)


def register(inter_token_ms: int) -> None:
    """Make the watched schedulers known."""
    known = engine_scheduler.SCHEDULER_MAPPING
    known["fifo-watched"] = WatchedFifo
    lanes = [{"name": "all", "inter_token_ms": inter_token_ms}]
    for name, settings in (("fair", {}), ("paced", {"lanes": lanes})):
        known[f"{name}-watched"] = partial(
            WatchedFair,
            settings=InEngineSettings.of({"trust_hints": True, **settings}),
            notes=Notes(),
        )
