"""Each check of the audit can fail: a fault is planted in the plug-in or in vLLM, and is seen."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from vllm.v1.core.kv_cache_manager import KVCacheManager
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.request import Request

from evenhand.inengine.host import EngineHost
from evenhand.inengine.vllm import FairScheduler
from evenhand.inengine.vllm.fair_queue import FairQueue
from evenhand.model import Usage
from evenhand.scheduling import Scheduler as Core
from support.vllm_audit import AuditedEngine
from support.vllm_runs import HEARS_HINTS, Run

STEPS = 1_000


def run(tiny: Path, engine: type[AuditedEngine] = AuditedEngine) -> None:
    Run(scheduler=FairScheduler, model=tiny, settings=HEARS_HINTS, engine=engine)(
        seed=3, steps=STEPS
    )


def test_without_a_fault_nothing_is_found(tiny: Path) -> None:
    run(tiny)


def test_a_queue_that_hides_who_waits(tiny: Path) -> None:
    shows, calls = FairQueue.__bool__, 0

    def hides(queue: FairQueue) -> bool:
        nonlocal calls
        calls += 1
        return shows(queue) and calls % 50 != 0

    with patch.object(FairQueue, "__bool__", hides), pytest.raises(AssertionError, match="a seat"):
        run(tiny)


def test_memory_that_is_not_given_back(tiny: Path) -> None:
    free, leaked = KVCacheManager.free, False

    def leaks(manager: KVCacheManager, request: Request) -> None:
        nonlocal leaked
        if leaked or not (request.is_finished() and request.num_computed_tokens):
            free(manager, request)
        leaked = leaked or bool(request.is_finished() and request.num_computed_tokens)

    # vLLM itself says so when it resets its cache.
    seen = pytest.raises((AssertionError, RuntimeError), match=r"lent|Failed to reset")
    with patch.object(KVCacheManager, "free", leaks), seen:
        run(tiny)


@pytest.mark.parametrize("method", ["preempted", "ended"])
def test_a_core_that_is_not_told(tiny: Path, method: str) -> None:
    tell, calls = getattr(EngineHost, method), 0

    def forgets(host: EngineHost, *arguments: Any, **named: Any) -> None:
        nonlocal calls
        calls += 1
        if calls != 5:
            tell(host, *arguments, **named)

    with patch.object(EngineHost, method, forgets), pytest.raises(AssertionError, match="core:"):
        run(tiny)


def _bills(wrong: Any) -> Any:
    settle = Core.settle

    def bills(core: Core, request_id: Any, usage: Usage, *rest: Any) -> Any:
        return settle(core, request_id, wrong(usage), *rest)

    return patch.object(Core, "settle", bills)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda u: Usage(u.input_tokens, u.output_tokens, 0),
        lambda u: Usage(u.input_tokens + (u.output_tokens == 7), u.output_tokens, 0),
        lambda u: Usage(u.input_tokens, max(0, u.output_tokens - 1), u.cached_input_tokens),
    ],
)
def test_a_wrong_bill(tiny: Path, wrong: Any) -> None:
    with _bills(wrong), pytest.raises(AssertionError, match="was charged"):
        run(tiny)


class Stutters(AuditedEngine):
    """A token comes twice."""

    def _end(self, name: str, reason: str) -> None:
        if len(self.answers[name]) == 9:
            self.answers[name].insert(4, self.answers[name][4])
        super()._end(name, reason)


class EndsTwice(AuditedEngine):
    def _end(self, name: str, reason: str) -> None:
        super()._end(name, reason)
        if name.endswith("77"):
            super()._end(name, reason)


@pytest.mark.parametrize("engine", [Stutters, EndsTwice])
def test_a_wrong_answer(tiny: Path, engine: type[AuditedEngine]) -> None:
    with pytest.raises(AssertionError, match=r"ends twice|: \["):
        run(tiny, engine)


def test_a_request_that_is_lost(tiny: Path) -> None:
    add = AsyncScheduler.add_request

    def loses(scheduler: AsyncScheduler, request: Request) -> None:
        if not request.request_id.endswith("77"):
            add(scheduler, request)

    with (
        patch.object(AsyncScheduler, "add_request", loses),
        pytest.raises(AssertionError, match=r"still|core:"),
    ):
        run(tiny)
