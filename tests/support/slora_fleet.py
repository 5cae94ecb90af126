"""Engines that batch as S-LoRA does: coalesced, and one step at a time."""

from dataclasses import replace

from evenhand.model import EngineName
from evenhand.sim.engine.protocol import WorkSource
from evenhand.sim.engine.slora.loop import SloraLoop
from evenhand.sim.engine.step_cost import StepCost
from evenhand.sim.host.in_engine import InEngine
from evenhand.sim.profile import EngineProfile
from support.vllm_fleet import Scene

STEP = StepCost(
    t_host_ms=3.0,
    t_w_ms=23.24,
    c_t_ms=0.2088,
    c_kv_ms=1.481e-3,
    c_r_ms=0.146,
    prefill_ms=34.6,
    prefill_request_ms=0.177,
)


def slora_profile(**changes: object) -> EngineProfile:
    usual = {
        "name": "small-slora",
        "gpu": "none",
        "model": "none",
        "loop": "slora",
        "evidence": "made up",
        "fit_error": "not fitted",
        "step": STEP,
        "kv_tokens": 1600,
        "sequences_max": 16,
        "step_tokens_max": 1000,
        "tenant_tokens": 32,
        "prefix_cache": False,
    }
    return EngineProfile.model_validate({**usual, **changes})


def on_slora(scene: Scene, **changes: object) -> Scene:
    """The same traffic and faults."""
    return replace(scene, profile=slora_profile(**changes))


def coalesced(name: EngineName, profile: EngineProfile, source: WorkSource) -> SloraLoop:
    if isinstance(source, InEngine):
        return SloraLoop(name, profile, source, least=source.least)
    return SloraLoop(name, profile, source)


def step_by_step(name: EngineName, profile: EngineProfile, source: WorkSource) -> SloraLoop:
    return SloraLoop(name, profile, source, stretch_steps_max=1)
