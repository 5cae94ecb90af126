"""Seeded traffic of several tenants at vLLM's scheduler: everything that may happen to it, and often."""

import random
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from vllm.v1.core.sched.interface import PauseState

from evenhand.wire.engine_hints import APPLICATION, TENANT, WEIGHTS
from support.vllm_audit import AuditedEngine
from support.vllm_backlogs import Backlogs
from support.vllm_bare import AnyGrammar, Ask


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """How many of each tenant's requests wait at least, whenever one may come. `now_and_then` come, wait
    and go."""

    waiting: dict[str, int] = field(default_factory=lambda: {"flood": 24, "b": 2, "c": 1, "d": 1})
    now_and_then: tuple[str, ...] = ("rare",)
    prompt_tokens_max: int = 160
    output_tokens_max: int = 40
    weights: Mapping[str, int] = field(default_factory=dict)
    applications: tuple[str, ...] = ()
    is_calm: bool = False
    """Nobody aborts, nothing is paused or reset."""


class Traffic:
    def __init__(self, engine: AuditedEngine, crowd: Crowd, seed: int) -> None:
        self.engine, self.crowd = engine, crowd
        self.dice = random.Random(seed)
        self.backlogs = Backlogs(engine)
        self.count = 0
        self.grammars: list[Future[AnyGrammar]] = []
        self.paused_for = 0

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.arrive()
            if not self.crowd.is_calm:
                self.disturb()
            self.engine.step()
            self.backlogs.look()
        self.end()

    def end(self) -> None:
        """Nobody comes any more."""
        self.engine.scheduler.set_pause_state(PauseState.UNPAUSED)
        for grammar in self.grammars:
            grammar.set_result(AnyGrammar())
        self.engine.drain()
        self.engine.check_rest()

    def arrive(self) -> None:
        waiting = [self.engine.work[r.request_id].tenant for r in self.engine.waiting()]
        for tenant, least in self.crowd.waiting.items():
            while waiting.count(tenant) < least:
                waiting.append(tenant)
                self.ask(tenant)
        for tenant in self.crowd.now_and_then:
            if self.dice.random() < 0.02:
                for _ in range(self.dice.randint(1, 4)):
                    self.ask(tenant)

    def ask(self, tenant: str) -> None:
        self.count += 1
        dice, crowd = self.dice, self.crowd
        common = dice.choice([0, 0, 32, 64, 96])
        own = dice.randint(1, crowd.prompt_tokens_max - common)
        start = dice.randrange(3) * 500
        prompt = [start + place for place in range(common)]
        prompt += [5 + dice.randrange(4000) for _ in range(own)]
        longest = dice.randint(1, crowd.output_tokens_max)
        grammar = None
        if not crowd.is_calm and dice.random() < 0.03:
            grammar = Future[AnyGrammar]()
            self.grammars.append(grammar)
        ask = Ask(
            id=f"{tenant}-{self.count}",
            prompt=tuple(prompt),
            output_tokens_max=longest,
            stops_after=dice.choice([1 << 30, dice.randint(1, crowd.output_tokens_max)]),
            told=self.told(tenant),
            priority=dice.randrange(3),
            grammar=grammar,
            salt=dice.choice([None, None, None, tenant]),
        )
        self.engine.ask(tenant, ask)

    def told(self, tenant: str) -> dict[str, object]:
        """As a gateway tells of the request."""
        crowd = self.crowd
        told: dict[str, object] = {TENANT: tenant}
        if tenant in crowd.weights:
            told[WEIGHTS] = [crowd.weights[tenant]]
        if crowd.applications:
            told[APPLICATION] = self.dice.choice(crowd.applications)
        return told

    def disturb(self) -> None:
        dice, engine = self.dice, self.engine
        if dice.random() < 0.05 and engine.open:
            names = dice.sample(sorted(engine.open), min(len(engine.open), dice.choice([1, 1, 4])))
            engine.abort([*names, "nobody"])
            engine.seen["aborts"] += len(names)
        if self.grammars and dice.random() < 0.2:
            grammar = self.grammars.pop(dice.randrange(len(self.grammars)))
            if dice.random() < 0.2:
                grammar.set_exception(ValueError("no grammar"))
                engine.seen["bad grammars"] += 1
            else:
                grammar.set_result(AnyGrammar())
                engine.seen["grammars"] += 1
        if dice.random() < 0.002:
            engine.scheduler.reset_prefix_cache(reset_running_requests=True)
            engine.seen["resets"] += 1
        self.pause()

    def pause(self) -> None:
        scheduler, dice = self.engine.scheduler, self.dice
        if self.paused_for:
            self.paused_for -= 1
            if not self.paused_for:
                scheduler.set_pause_state(PauseState.UNPAUSED)
        elif dice.random() < 0.003:
            self.paused_for = dice.randint(1, 20)
            scheduler.set_pause_state(dice.choice([PauseState.PAUSED_NEW, PauseState.PAUSED_ALL]))
            self.engine.seen["pauses"] += 1
