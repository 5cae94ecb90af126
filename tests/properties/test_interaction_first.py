"""Calls of interactions in progress go first, within a head start: recomputed over seeded runs."""

import random

import pytest

from evenhand.model import EngineName, InteractionId, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, compose

MODEL = ModelName("m")
HEAD_START_MS = 3_000


class Run:
    """Two tenants, one slot, more work than it can do."""

    def __init__(self, preset: str, head_start_s: int = HEAD_START_MS // 1000) -> None:
        dials = {"interaction_head_start_s": head_start_s, "interaction_calls_max": 10_000}
        policy = compose(preset, queue="interaction-first", admission="none", settings=dials)
        tenants = (TenantShare(name="a"), TenantShare(name="b"))
        self.core = Scheduler(SchedulerSettings(tenants=tenants, policy=policy))
        self.core.engine_changed(EngineName("e"), window=1, models=[MODEL])
        self.now_ms = 0
        self.count = 0
        self.begun: set[tuple[str, str]] = set()
        self.waiting: dict[RequestId, tuple[int, Request, bool]] = {}
        """When each came, and whether it continues."""

    def ask(self, tenant: str, interaction: str) -> RequestId:
        self.count += 1
        request = Request(
            id=RequestId(f"r{self.count}"),
            tenant=(tenant,),
            model=MODEL,
            body_bytes=1,
            prompt_tokens=10,
            output_tokens_max=0,
            queue_wait_ms_max=10**9,
            interaction=InteractionId(interaction),
        )
        assert self.core.submit(request, self.now_ms).refused is None
        continues = (tenant, interaction) in self.begun
        self.begun.add((tenant, interaction))
        self.waiting[request.id] = (self.now_ms, request, continues)
        return request.id

    def serve(self) -> tuple[int, Request, bool]:
        started = self.core.next(self.now_ms)
        assert started is not None
        self.core.settle(started.request.id, Usage(10, 0), Outcome.COMPLETED, self.now_ms)
        return self.waiting.pop(started.request.id)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("preset", "rivals"), [("vtc", "of the tenant"), ("fcfs", "of anybody")])
def test_nobody_is_overtaken_by_who_came_later_than_the_head_start(
    preset: str, rivals: str, seed: int
) -> None:
    dice, run, overtook = random.Random(seed), Run(preset), 0
    for step in range(400):
        run.now_ms += dice.randrange(400)
        name = dice.choice(["x", "y", "z", f"new {step}", f"new {step}"])
        run.ask(dice.choice("ab"), name)
        if dice.random() < 0.8:
            came_ms, request, continues = run.serve()
            for other_ms, other, other_continues in run.waiting.values():
                if rivals == "of the tenant" and other.tenant != request.tenant:
                    continue
                head_start_ms = HEAD_START_MS * (int(continues) - int(other_continues))
                assert came_ms - head_start_ms <= other_ms
                overtook += came_ms > other_ms
    assert overtook > 50, "and they do go first"


def test_a_first_call_is_served_although_later_ones_keep_coming() -> None:
    """Fed at the engine's own pace by calls in progress: only those within the head start go before."""
    run = Run("vtc")
    run.ask("a", "x")
    run.serve()
    first, before = run.ask("a", "first"), 0
    while first in run.waiting:
        run.ask("a", "x")
        run.serve()
        run.now_ms += 100
        before += 1
        assert before <= HEAD_START_MS // 100 + 2
    assert before >= HEAD_START_MS // 100


def test_control_without_a_bound_it_would_starve() -> None:
    run = Run("vtc", head_start_s=3_600)
    run.ask("a", "x")
    run.serve()
    first = run.ask("a", "first")
    for _ in range(1_000):
        run.ask("a", "x")
        run.serve()
        run.now_ms += 100
    assert first in run.waiting


def test_one_that_an_engine_has_failed_keeps_ahead_of_later_arrivals() -> None:
    run, spare = Run("vtc"), EngineName("spare")
    run.core.engine_changed(spare, window=1, models=[MODEL])
    first, filler = run.ask("a", "first"), run.ask("b", "filler")
    assert run.core.next(0) is not None
    assert run.core.next(0) is not None
    run.now_ms = 1_000
    run.ask("a", "second")
    run.core.engine_changed(EngineName("e"), window=0, models=[MODEL])
    run.now_ms = 2_000
    assert run.core.try_again_elsewhere(first, run.now_ms)
    run.core.settle(filler, Usage(10, 0), Outcome.COMPLETED, run.now_ms)
    assert run.serve()[1].id == first
