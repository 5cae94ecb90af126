"""Prompts of tenants, and bare engines that believe whose they are."""

from pathlib import Path
from typing import Any

from vllm.v1.core.sched.async_scheduler import AsyncScheduler

from evenhand.inengine.vllm import FairScheduler
from support.vllm_bare import Ask, BareEngine, Shape, bare_scheduler

SETTINGS = {"trust_hints": True}


def ask(name: str, tenant: str, tokens: int, *, output: int = 8, lane: str | None = None) -> Ask:
    told = {"evenhand_tenant": tenant}
    if lane is not None:
        told["evenhand_lane"] = lane
    seed = sum(name.encode()) * 7
    prompt = tuple((seed + place * 13) % 4000 + 5 for place in range(tokens))
    return Ask(id=name, prompt=prompt, output_tokens_max=output, told=told)


def engine_of(
    tiny: Path,
    settings: dict[str, Any] | None = None,
    scheduler: type = FairScheduler,
    **shape: Any,
) -> BareEngine:
    told = None if scheduler is AsyncScheduler else {**SETTINGS, **(settings or {})}
    return BareEngine(bare_scheduler(scheduler, tiny, Shape(**shape), told))
