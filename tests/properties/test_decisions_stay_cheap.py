"""A decision costs about as much with ten thousand waiting as with a hundred: nothing looks at all of
them.

Counted in executed bytecode instructions, so that no clock decides. A heap's logarithm doubles between
the two; anything linear would grow a hundredfold.
"""

import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from types import FrameType
from typing import Any

import pytest

from evenhand.model import EngineName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import PRESETS, Scheduler, TenantShare, tenant_paths
from evenhand.scheduling.counter_heap import CounterHeap
from support.policies import flat, settings_of
from support.simulated_engines import FOREVER, MODEL

FEW, MANY = 100, 10_000
GROWTH_MAX = 3


def instructions(act: Callable[[], None]) -> int:
    """How many are executed, in Python code."""
    executed = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal executed
        frame.f_trace_opcodes = True
        executed += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return executed


class Crowd:
    """A full engine of two slots before which these tenants wait in turn, so many requests in all."""

    def __init__(self, preset: str, tenants: tuple[TenantShare, ...], waiting: int) -> None:
        # Who is refused takes no decision: rates are opened as far as they go.
        opened = {dial.name: dial.maximum for dial in PRESETS[preset].admission.parameters}
        self.scheduler = Scheduler(settings_of(tenants, preset=preset, parts={"settings": opened}))
        self.scheduler.engine_changed(EngineName("e"), window=2, models=[MODEL])
        self._numbers = count()
        self.waiting: dict[RequestId, None] = {}
        paths = list(tenant_paths(tenants))
        for number in range(waiting + 2):
            self.send(paths[number % len(paths)])
        self.running = [self.start(), self.start()]
        self.turn()

    def send(self, tenant: TenantPath) -> None:
        request = Request(
            id=RequestId(str(next(self._numbers))),
            tenant=tenant,
            model=MODEL,
            body_bytes=1,
            prompt_tokens=10,
            queue_wait_ms_max=FOREVER,
        )
        assert self.scheduler.submit(request, 0).refused is None
        self.waiting[request.id] = None

    def turn(self) -> None:
        """One ends, its tenant sends another, and the next starts."""
        ended = self.running.pop(0)
        self.scheduler.produced(ended.id, 7, 0)
        self.scheduler.settle(ended.id, Usage(10, 7), Outcome.COMPLETED, 0)
        self.send(ended.tenant)
        self.running.append(self.start())

    def start(self) -> Request:
        start = self.scheduler.next(0)
        assert start is not None
        del self.waiting[start.request.id]
        return start.request

    def turns(self) -> None:
        for _ in range(50):
            self.turn()

    def cancels(self) -> None:
        """The last fifty that came go, those of many tenants or of one."""
        for _ in range(50):
            self.scheduler.cancel(self.waiting.popitem()[0], 0)


Tree = Callable[[int], tuple[TenantShare, ...]]


def all_alike(waiting: int) -> tuple[TenantShare, ...]:
    return flat(**{f"t{number}": 1 + number % 3 for number in range(waiting)})


def one_with_all(waiting: int) -> tuple[TenantShare, ...]:
    del waiting
    return flat(one=1)


def departments(waiting: int) -> tuple[TenantShare, ...]:
    users = flat(**{f"u{number}": 1 for number in range(waiting // 10)})
    return tuple(TenantShare(name=f"d{number}", children=users) for number in range(10))


def check_growth(act: Callable[[Crowd], None], preset: str, tree: Tree, most: int = MANY) -> None:
    crowds = [Crowd(preset, tree(waiting), waiting) for waiting in (FEW, most)]
    few, many = (instructions(partial(act, crowd)) for crowd in crowds)
    assert many <= GROWTH_MAX * few, f"{few} instructions with {FEW} waiting, {many} with {most}"


@pytest.mark.parametrize("tree", [all_alike, one_with_all, departments])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_turn_does_not_look_at_all_who_wait(preset: str, tree: Tree) -> None:
    check_growth(Crowd.turns, preset, tree)


@pytest.mark.parametrize("tree", [all_alike, one_with_all, departments])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_cancel_does_not_look_at_all_who_wait(preset: str, tree: Tree) -> None:
    check_growth(Crowd.cancels, preset, tree)


def test_control_a_look_at_all_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def least(self):  # type: ignore[no-untyped-def]
        return min(
            ((m.virtual + self._lifts[m.index], m) for m in self._members.values()),
            key=lambda found: (found[0], found[1].index),
        )

    monkeypatch.setattr(CounterHeap, "least", least)
    with pytest.raises(AssertionError):
        check_growth(Crowd.turn, "vtc", all_alike, most=10 * FEW)
