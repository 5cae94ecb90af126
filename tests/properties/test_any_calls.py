"""Every preset under any legal calls: tenants and engines come, change and go while requests wait.

The machines check what each policy promises; this is wide instead of deep. Work and charges are
conserved, nothing starts where it cannot run, and no call raises.
"""

import random

import pytest

from evenhand.model import (
    ApplicationName,
    EngineName,
    InteractionId,
    ModelName,
    Outcome,
    Request,
    RequestId,
    TenantPath,
    Usage,
)
from evenhand.scheduling import (
    PRESETS,
    AddTenant,
    MoveTenant,
    QueueLimits,
    RemoveTenant,
    Scheduler,
    SchedulerSettings,
    SetWeight,
    TenantShare,
    TreeChange,
    TreeProblem,
    compose,
)

MODELS = [ModelName("m"), ModelName("n")]
ENGINES = [EngineName(name) for name in ("e1", "e2", "e3")]
TREE = (
    TenantShare(
        name="a", weight=2, children=(TenantShare(name="x"), TenantShare(name="y", weight=3))
    ),
    TenantShare(name="b"),
    TenantShare(name="c", weight=5),
)


class AnyCalls:
    """One run of drawn calls, with its own books."""

    def __init__(self, preset: str, seed: int) -> None:
        self.dice = random.Random(seed)
        policy = compose(preset)
        limits = QueueLimits(requests_max=60, tenant_requests_max=30)
        self.core = Scheduler(SchedulerSettings(tenants=TREE, policy=policy, limits=limits))
        self.now_ms = self.count = self.settled_units = 0
        self.waiting: dict[RequestId, Request] = {}
        self.running: dict[RequestId, Request] = {}
        self.changes = [self.submit] * 10 + [self.end] * 6 + [self.fail, self.cancel]
        self.changes += [self.change_engine, self.change_tree, self.change_tree]

    def step(self) -> None:
        self.now_ms += self.dice.choice([0, 1, 50, 2_000])
        self.dice.choice(self.changes)()
        for refusal in self.core.expire(self.now_ms):
            del self.waiting[refusal.request.id]
        while (start := self.core.next(self.now_ms)) is not None:
            self.running[start.request.id] = self.waiting.pop(start.request.id)
            assert start.request.model in self.core.capacity.engines[start.engine].models
        self.check()

    def check(self) -> None:
        for request_id, request in self.waiting.items():
            failed = self.core._tickets[request_id].failed_engine
            for engine in self.core.capacity.engines.values():
                serves = request.model in engine.models and engine.name != failed
                assert not (serves and engine.has_slot), f"{engine.name} idles"
        charged = self.core.tree.root.service_units
        assert charged == self.settled_units + self.core.open_units()
        assert self.core.open_requests() == len(self.waiting) + len(self.running)

    def submit(self) -> None:
        nodes = [node for node in self.core.tree.nodes() if node.path and not node.children]
        leaves = [n.path for n in nodes if not any(above.is_leaving for above in n.lineage)]
        if not leaves:
            return
        dice, self.count = self.dice, self.count + 1
        request = Request(
            id=RequestId(f"r{self.count}"),
            tenant=dice.choice(leaves),
            model=dice.choice(MODELS),
            body_bytes=1,
            prompt_tokens=dice.randrange(300),
            output_tokens_max=dice.choice([0, 100]),
            queue_wait_ms_max=10_000,
            prefix=dice.choice([b"a", b"b"]) * dice.randrange(500),
            application=ApplicationName(dice.choice("pq")),
            interaction=InteractionId(dice.choice(["", "i", "j"])),
        )
        submission = self.core.submit(request, self.now_ms)
        if submission.refused is None:
            self.waiting[request.id] = request
        for refusal in submission.shed:
            del self.waiting[refusal.request.id]

    def end(self) -> None:
        if self.running:
            request = self.running.pop(self.dice.choice(list(self.running)))
            self.core.produced(request.id, output := self.dice.randrange(150), self.now_ms)
            usage = Usage(request.prompt_tokens or 0, output)
            settlement = self.core.settle(request.id, usage, Outcome.COMPLETED, self.now_ms)
            self.settled_units += settlement.units

    def fail(self) -> None:
        if self.running:
            request_id = self.dice.choice(list(self.running))
            if self.core.try_again_elsewhere(request_id, self.now_ms):
                self.waiting[request_id] = self.running.pop(request_id)

    def cancel(self) -> None:
        if self.waiting:
            request_id = self.dice.choice(list(self.waiting))
            self.core.cancel(request_id, self.now_ms)
            del self.waiting[request_id]

    def change_engine(self) -> None:
        models = self.dice.sample(MODELS, self.dice.randrange(3))
        window = self.dice.randrange(4)
        self.core.engine_changed(self.dice.choice(ENGINES), window=window, models=models)

    def change_tree(self) -> None:
        def path() -> TenantPath:
            return self.dice.choice(list(self.core.tree.nodes())).path

        self.count += 1
        new = TenantShare(name=f"t{self.count}", weight=self.dice.randrange(1, 9))
        changes: list[TreeChange] = [
            SetWeight(path(), new.weight),
            AddTenant(path(), new),
            MoveTenant(path(), path()),
            RemoveTenant(path()),
        ]
        plan = self.core.plan([self.dice.choice(changes)])
        if not isinstance(plan, TreeProblem):
            self.core.apply(plan)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_legal_call_breaks_a_preset(preset: str) -> None:
    for seed in range(6):
        run = AnyCalls(preset, seed)
        for engine in ENGINES:
            run.core.engine_changed(engine, window=2, models=MODELS)
        for _ in range(600):
            run.step()
        assert run.settled_units
