"""Who gives way when the engine's memory runs out, and who may not have more of it."""

import random
from pathlib import Path
from typing import Any

import pytest
from vllm.v1.request import Request

from evenhand.inengine.vllm import FairScheduler
from support.vllm_bare import BLOCK_TOKENS, BareEngine, Shape, bare_scheduler
from support.vllm_fair import ask, engine_of


class Watched(FairScheduler):
    """Notes who is preempted, and who was there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.victims: list[tuple[tuple[Any, int], list[tuple[Any, int]]]] = []

    def _place(self, request: Request) -> tuple[Any, int]:
        record = self.roster.records[request.request_id]
        return self.host.standing(request.request_id), record.number

    def _preempt_request(self, request: Request, *args: Any, **kwargs: Any) -> None:
        there = [self._place(other) for other in self.running]
        self.victims.append((self._place(request), there))
        super()._preempt_request(request, *args, **kwargs)


def crowded(tiny: Path, scheduler: type, seed: int, **settings: Any) -> BareEngine:
    """Long answers that do not fit in together."""
    shape = Shape(seats=8, step_tokens=256, blocks=40)
    told = {"trust_hints": True, **settings}
    engine = BareEngine(bare_scheduler(scheduler, tiny, shape, told))
    rng = random.Random(seed)
    for number in range(60):
        tenant = rng.choice(["flood", "flood", "flood", "b", "c"])
        one = ask(f"r{number}", tenant, rng.randint(20, 150), output=rng.randint(50, 400))
        engine.add(one)
        for _ in range(rng.randint(0, 6)):
            engine.step()
    return engine


@pytest.mark.parametrize("seed", range(3))
def test_the_newest_of_who_had_most_is_preempted(tiny: Path, seed: int) -> None:
    engine = crowded(tiny, Watched, seed)
    engine.drain()
    victims = engine.scheduler.victims
    assert len(victims) > 20
    assert all(victim > max(there, default=victim[:0]) for victim, there in victims)


def test_control_without_fair_preemption_others_are_preempted_too(tiny: Path) -> None:
    engine = crowded(tiny, Watched, 0, fair_preemption=False)
    engine.drain()
    wrong = [victim < max(there) for victim, there in engine.scheduler.victims if there]
    assert any(wrong)


@pytest.mark.parametrize("seed", range(3))
def test_accounts_add_up_at_every_step(tiny: Path, seed: int) -> None:
    engine = crowded(tiny, FairScheduler, seed)
    rng = random.Random(seed)
    scheduled = 0
    orders = engine.scheduler.accounts().scheduled
    while engine.open:
        step = engine.step()
        scheduled += sum(step.scheduled.values()) if step is not None else 0
        if rng.random() < 0.05:
            engine.abort([rng.choice(sorted(engine.open))])
        accounts = engine.scheduler.accounts()
        assert accounts.sum == accounts.scheduled
    accounts = engine.scheduler.roster.accounts
    assert accounts.sum == accounts.scheduled == orders + scheduled
    assert accounts.recomputed > 0
    assert set(accounts.by_tenant) == {("flood",), ("b",), ("c",)}


def test_what_is_recomputed_is_not_charged(tiny: Path) -> None:
    engine = crowded(tiny, FairScheduler, 1)
    engine.drain()
    core = engine.scheduler.host.scheduler
    for tenant in ("flood", "b", "c"):
        mine = [one for one in engine.asks.values() if one.told["evenhand_tenant"] == tenant]
        cost = core.settings.cost
        units = sum(
            len(one.prompt) * cost.input + len(engine.answers[one.id]) * cost.output for one in mine
        )
        assert core.served_units((tenant,)) <= units
        cached = units - core.served_units((tenant,))
        assert cached % BLOCK_TOKENS == 0, "nothing but whole blocks that were found in the cache"


# Ceilings.


def held(engine: BareEngine, tenant: str) -> tuple[int, int]:
    """Blocks and requests that run."""
    scheduler = engine.scheduler
    mine = [
        request
        for request in scheduler.running
        if scheduler.roster.tenant(request) == tuple(tenant.split("/"))
    ]
    blocks = (scheduler.kv_cache_manager.get_block_ids(request.request_id) for request in mine)
    return sum(len(group) for groups in blocks for group in groups), len(mine)


@pytest.mark.parametrize(
    "ceiling", [{"kv_ceiling_percent": 25}, {"kv_ceilings_percent": {"org": 25}}]
)
def test_a_tenant_keeps_below_its_ceiling_and_others_use_the_rest(
    tiny: Path, ceiling: dict[str, Any]
) -> None:
    engine = engine_of(tiny, ceiling, seats=16, step_tokens=512, blocks=100)
    for number in range(30):
        engine.add(ask(f"n{number}", "org/noisy", 100, output=8))
    for _ in range(10):
        engine.step()
        blocks, _ = held(engine, "org/noisy")
        assert blocks <= 25 + 6  # answers grow on: a block for each request
    for number in range(6):
        engine.add(ask(f"o{number}", "other", 100, output=8))
    engine.step()
    engine.step()
    assert held(engine, "other")[1] == 6, "they need not wait for anybody"
    engine.drain()
    assert len(engine.ended) == 36


def test_a_request_greater_than_the_ceiling_runs_alone(tiny: Path) -> None:
    engine = engine_of(tiny, {"kv_ceiling_percent": 10}, seats=8, step_tokens=512, blocks=100)
    for number in range(4):
        engine.add(ask(f"n{number}", "noisy", 700, output=8))
    while engine.open:
        engine.step()
        assert held(engine, "noisy")[1] <= 1
    assert {ended.reason for ended in engine.ended.values()} == {"length"}


def test_an_aborted_waiter_that_was_held_back_holds_nobody_up(tiny: Path) -> None:
    engine = engine_of(tiny, {"kv_ceiling_percent": 10}, seats=8, step_tokens=512, blocks=100)
    engine.add(ask("n0", "noisy", 300, output=30))
    engine.step()
    engine.add(ask("n1", "noisy", 300))
    engine.add(ask("n2", "noisy", 30))
    engine.step()
    engine.abort(["n1"])
    for _ in range(4):
        engine.step()
    assert held(engine, "noisy")[1] == 1, "n2 needs more than is left"
    engine.drain()
