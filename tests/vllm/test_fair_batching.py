"""What a step of the real scheduler holds when some prompts are long and others are not."""

from pathlib import Path

import pytest
from vllm.v1.core.sched.async_scheduler import AsyncScheduler

from support.vllm_bare import BareEngine
from support.vllm_fair import ask, engine_of


def test_a_short_prompt_joins_the_next_step_beside_a_long_one(tiny: Path) -> None:
    engine = engine_of(tiny, step_tokens=256)
    engine.add(ask("long", "a", 1900))
    assert engine.schedule().scheduled == {"long": 256}
    engine.add(ask("short", "b", 50))
    assert engine.schedule().scheduled == {"long": 206, "short": 50}
    engine.drain()


def test_control_the_stock_scheduler_lets_it_wait(tiny: Path) -> None:
    engine = engine_of(tiny, scheduler=AsyncScheduler, step_tokens=256)
    engine.add(ask("long", "a", 1900))
    engine.schedule()
    engine.add(ask("short", "b", 50))
    steps = 1
    while "short" not in engine.schedule().scheduled:
        steps += 1
    assert steps > 5


def test_long_prompts_of_two_tenants_get_half_a_step_each(tiny: Path) -> None:
    engine = engine_of(tiny, step_tokens=256)
    engine.add(ask("one", "a", 1900))
    engine.add(ask("two", "b", 1900))
    assert engine.schedule().scheduled == {"one": 128, "two": 128}
    assert engine.schedule().scheduled == {"one": 128, "two": 128}
    engine.drain()


def test_a_tenants_second_prompt_takes_nothing_from_another_tenant(tiny: Path) -> None:
    engine = engine_of(tiny, step_tokens=256, seats=8)
    for name in ("a1", "a2", "a3"):
        engine.add(ask(name, "a", 1000))
    engine.add(ask("b1", "b", 1000))
    for _ in range(6):
        scheduled = engine.schedule().scheduled
        of_a = sum(tokens for name, tokens in scheduled.items() if name.startswith("a"))
        assert (of_a, scheduled["b1"]) == (128, 128)
    engine.drain()


def test_a_prompt_alone_has_the_whole_step(tiny: Path) -> None:
    engine = engine_of(tiny, step_tokens=256)
    engine.add(ask("one", "a", 1000))
    engine.add(ask("two", "a", 1000))
    assert engine.schedule().scheduled == {"one": 256}


def test_answers_come_first_in_a_step_that_is_full(tiny: Path) -> None:
    engine = engine_of(tiny, step_tokens=64, seats=8)
    for number in range(4):
        engine.add(ask(f"chat{number}", "b", 10, output=100))
    for _ in range(3):
        engine.step()
    engine.add(ask("one", "a", 1000))
    engine.add(ask("two", "c", 1000))
    for _ in range(10):
        step = engine.step()
        assert step is not None
        assert {f"chat{number}" for number in range(4)} <= step.scheduled.keys()
    engine.drain()


def test_between_steps_the_engines_configuration_is_as_it_was(tiny: Path) -> None:
    engine = engine_of(tiny, step_tokens=256)
    engine.add(ask("one", "a", 1000))
    engine.add(ask("two", "b", 1000))
    engine.schedule()
    scheduler = engine.scheduler
    assert scheduler.max_num_scheduled_tokens == 256
    assert scheduler.scheduler_config.long_prefill_token_threshold == 0
    assert not scheduler.adaptive_long_prefill_threshold


def test_switched_off_nothing_is_cut(tiny: Path) -> None:
    engine = engine_of(tiny, {"fair_batching": False}, step_tokens=256)
    engine.add(ask("one", "a", 1000))
    engine.add(ask("two", "b", 1000))
    assert engine.schedule().scheduled == {"one": 256}


class SlowEngine:
    """Steps take 2 ms and 0.1 ms for each token."""

    def __init__(self, engine: BareEngine) -> None:
        self.engine = engine
        self.now_ns = 0
        self.took_us: list[int] = []
        engine.scheduler._batch._now_ns = lambda: self.now_ns

    def step(self) -> dict[str, int]:
        step = self.engine.schedule()
        us = 2_000 + 100 * sum(step.scheduled.values())
        self.now_ns += us * 1000
        self.took_us.append(us)
        self.engine.in_flight.clear()
        self.engine.update(step)
        return dict(step.scheduled)


LANES = [{"name": "chat", "inter_token_ms": 10}, {"name": "batch"}]


@pytest.mark.parametrize("lane", ["chat", "batch"])
def test_prompts_are_cut_to_keep_answers_of_a_lane_in_time(tiny: Path, lane: str) -> None:
    bare = engine_of(tiny, {"lanes": LANES}, step_tokens=512, is_async=False, seats=8)
    slow = SlowEngine(bare)
    bare.add(ask("answer", "b", 10, output=1500, lane=lane))
    slow.step()
    for number in range(8):
        bare.add(ask(f"long{number}", "a", 1900, lane="batch"))
    slow.took_us.clear()
    while len(bare.open) > 1:
        assert "answer" in slow.step()
    late = sum(us > 10_000 for us in slow.took_us[12:])
    if lane == "chat":
        assert late == 0
        assert max(slow.took_us[12:]) > 7_500, "and no shorter than they need be"
    else:
        assert late > 10


def test_a_prompt_gets_on_however_late_that_makes_answers(tiny: Path) -> None:
    lanes = [{"name": "chat", "inter_token_ms": 1}]
    settings = {"lanes": lanes, "prompt_tokens_min": 32}
    bare = engine_of(tiny, settings, step_tokens=512, is_async=False)
    slow = SlowEngine(bare)
    bare.add(ask("answer", "b", 10, output=1000))
    slow.step()
    bare.add(ask("long", "a", 1900))
    chunks = [slow.step().get("long", 0) for _ in range(40)]
    assert set(chunks[6:20]) == {32}
