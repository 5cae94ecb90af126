"""Whether a policy forgets those who came, waited and left."""

import gc
from collections.abc import Callable
from dataclasses import replace
from random import Random
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from evenhand.model import EngineName, ModelName, Outcome, Request, Usage
from evenhand.scheduling import Policy, Scheduler, SchedulerSettings, TenantShare
from evenhand.scheduling.pool import ONE_LANE
from evenhand.testing.broken_promise import require
from evenhand.testing.scene import draw_request

_MODEL = ModelName("m")
_TENANTS = ("a", "b", "c")
_WAVE_REQUESTS = 200
_WAVES = 20
_STARTED_PER_WAVE = 2
_GROWTH_MAX = 3_000
"""References: room for what is dropped lazily, 64 requests in a few places, and less than one for each
of those who left."""
_SKIPPED = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType)


def forgets_who_left(policy: Policy, seed: int) -> None:
    """Waves of requests of the same tenants come; few start, the others leave. Raises BrokenPromiseError
    where the policy's parts hold more and more. What the core remembers to explain is not theirs."""
    dice = Random(seed)  # noqa: S311 - nothing secret is drawn
    tenants = tuple(TenantShare(name=name) for name in _TENANTS)
    built: list[object] = []
    watched = _recording(policy, built)
    scheduler = Scheduler(SchedulerSettings(tenants=tenants, policy=watched))
    scheduler.engine_changed(EngineName("e"), window=1, models=[_MODEL])
    for wave in range(_WAVES // 4):
        _send(scheduler, dice, wave)
    before = _references(built)
    for wave in range(_WAVES // 4, _WAVES):
        _send(scheduler, dice, wave)
    grown = _references(built) - before
    require(
        grown <= _GROWTH_MAX,
        "who left is forgotten",
        f"{_WAVE_REQUESTS * (_WAVES - _WAVES // 4)} requests came and left, and {grown} more"
        " references are held than before",
    )


def _recording(policy: Policy, built: list[object]) -> Policy:
    """The same policy; what its parts are built into is appended to `built`."""

    def recording(build: Callable[..., Any]) -> Callable[..., Any]:
        def record(*ground: Any) -> Any:
            built.append(part := build(*ground))
            return part

        return record

    parts: dict[str, Any] = {
        seam: replace(part, build=recording(part.build))
        for seam in ("admission", "order", "queue", "placement", "prediction", "cost")
        for part in [getattr(policy, seam)]
    }
    return replace(policy, **parts)


def _send(scheduler: Scheduler, dice: Random, wave: int) -> None:
    now_ms = wave * 60_000
    waiting = {}
    for number in range(_WAVE_REQUESTS):
        tenant = (_TENANTS[number % len(_TENANTS)],)
        count, is_large = wave * _WAVE_REQUESTS + number, number % 2 == 0
        request = draw_request(dice, count, tenant, _MODEL, lane=ONE_LANE, is_large=is_large)
        if scheduler.submit(request, now_ms).refused is None:
            waiting[request.id] = request
    for _ in range(_STARTED_PER_WAVE):
        start = scheduler.next(now_ms)
        if start is not None:
            _settle(scheduler, waiting.pop(start.request.id), now_ms)
    for request_id in waiting:
        scheduler.cancel(request_id, now_ms)


def _settle(scheduler: Scheduler, request: Request, now_ms: int) -> None:
    usage = Usage(request.prompt_tokens or 0, request.output_tokens_true or 0)
    scheduler.settle(request.id, usage, Outcome.COMPLETED, now_ms)


def _references(root: object) -> int:
    """How many references lie within what the object holds; code and classes are left out."""
    seen, stack, count = {id(root)}, [root], 0
    while stack:
        held = gc.get_referents(stack.pop())
        count += len(held)
        for one in held:
            if id(one) not in seen and gc.is_tracked(one) and not isinstance(one, _SKIPPED):
                seen.add(id(one))
                stack.append(one)
    return count
