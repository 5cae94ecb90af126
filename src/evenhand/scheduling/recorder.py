"""Records every call that can change a scheduler, with its answer, and plays such a log again.

Equal events give equal decisions, whoever the host is. So a log of the calls is all there is to know of
a run: it replays in a simulator, in a test against another implementation, or after a complaint.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from evenhand.model import (
    EngineName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    TenantPath,
    TrustDomain,
    Usage,
)
from evenhand.scheduling.decisions import Refusal, Settlement, Start, Submission
from evenhand.scheduling.scheduler import Scheduler
from evenhand.scheduling.settings import SchedulerSettings
from evenhand.scheduling.tree_change import TreeChange, TreePlan, TreeProblem


class Event(NamedTuple):
    """One call: the name of the method of `Scheduler`, its arguments by name, and what it answered."""

    method: str
    arguments: Mapping[str, object]
    answer: object


class Recorder(Scheduler):
    """A scheduler that tells `sink` of each call once it has been answered. Questions that change
    nothing are not told, but `plan`, so that a log tells what was refused, and `retry_after_ms`, because
    it takes in the seconds that have passed."""

    def __init__(self, settings: SchedulerSettings, sink: Callable[[Event], None]) -> None:
        super().__init__(settings)
        self._sink = sink

    def start_at_once(self, request: Request, now_ms: int) -> EngineName | None:
        answer = super().start_at_once(request, now_ms)
        self._sink(Event("start_at_once", {"request": request, "now_ms": now_ms}, answer))
        return answer

    def submit(self, request: Request, now_ms: int) -> Submission:
        answer = super().submit(request, now_ms)
        self._sink(Event("submit", {"request": request, "now_ms": now_ms}, answer))
        return answer

    def cancel(self, request_id: RequestId, now_ms: int) -> None:
        super().cancel(request_id, now_ms)
        self._sink(Event("cancel", {"request_id": request_id, "now_ms": now_ms}, None))

    def expire(self, now_ms: int) -> tuple[Refusal, ...]:
        answer = super().expire(now_ms)
        self._sink(Event("expire", {"now_ms": now_ms}, answer))
        return answer

    def next(self, now_ms: int) -> Start | None:
        answer = super().next(now_ms)
        self._sink(Event("next", {"now_ms": now_ms}, answer))
        return answer

    def produced(self, request_id: RequestId, tokens: int, now_ms: int) -> None:
        super().produced(request_id, tokens, now_ms)
        arguments = {"request_id": request_id, "tokens": tokens, "now_ms": now_ms}
        self._sink(Event("produced", arguments, None))

    def produced_in_all(self, totals: Iterable[tuple[RequestId, int]], now_ms: int) -> None:
        # A log has one form for it.
        for request_id, total in totals:
            new = total - self._tickets[request_id].produced_tokens
            if new > 0:
                self.produced(request_id, new, now_ms)

    def settle(
        self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int
    ) -> Settlement:
        answer = super().settle(request_id, usage, outcome, now_ms)
        arguments = {"request_id": request_id, "usage": usage, "outcome": outcome, "now_ms": now_ms}
        self._sink(Event("settle", arguments, answer))
        return answer

    def prompt_counted(
        self, request_id: RequestId, input_tokens: int, cached_tokens: int | None, now_ms: int
    ) -> None:
        super().prompt_counted(request_id, input_tokens, cached_tokens, now_ms)
        arguments = {
            "request_id": request_id,
            "input_tokens": input_tokens,
            "cached_tokens": cached_tokens,
            "now_ms": now_ms,
        }
        self._sink(Event("prompt_counted", arguments, None))

    def preempted(self, request_id: RequestId, now_ms: int) -> None:
        super().preempted(request_id, now_ms)
        self._sink(Event("preempted", {"request_id": request_id, "now_ms": now_ms}, None))

    def try_again_elsewhere(self, request_id: RequestId, now_ms: int) -> bool:
        answer = super().try_again_elsewhere(request_id, now_ms)
        arguments = {"request_id": request_id, "now_ms": now_ms}
        self._sink(Event("try_again_elsewhere", arguments, answer))
        return answer

    def charged_elsewhere(self, tenant: TenantPath, units: int, now_ms: int) -> None:
        super().charged_elsewhere(tenant, units, now_ms)
        arguments = {"tenant": tenant, "units": units, "now_ms": now_ms}
        self._sink(Event("charged_elsewhere", arguments, None))

    def engine_changed(
        self, name: EngineName, *, window: int, models: Collection[ModelName]
    ) -> None:
        super().engine_changed(name, window=window, models=models)
        arguments = {"name": name, "window": window, "models": tuple(models)}
        self._sink(Event("engine_changed", arguments, None))

    def engine_held(self, name: EngineName, *, slots: int) -> None:
        super().engine_held(name, slots=slots)
        self._sink(Event("engine_held", {"name": name, "slots": slots}, None))

    def engine_told(self, name: EngineName, *, waiting: int, may_take_more: bool) -> None:
        super().engine_told(name, waiting=waiting, may_take_more=may_take_more)
        arguments = {"name": name, "waiting": waiting, "may_take_more": may_take_more}
        self._sink(Event("engine_told", arguments, None))

    def evicted(self, name: EngineName, prefix: bytes, trust_domain: TrustDomain) -> None:
        super().evicted(name, prefix, trust_domain)
        arguments = {"name": name, "prefix": prefix, "trust_domain": trust_domain}
        self._sink(Event("evicted", arguments, None))

    def stored(self, name: EngineName, prefix: bytes, trust_domain: TrustDomain) -> None:
        super().stored(name, prefix, trust_domain)
        arguments = {"name": name, "prefix": prefix, "trust_domain": trust_domain}
        self._sink(Event("stored", arguments, None))

    def cache_sized(
        self, name: EngineName, tokens_max: int | None, block_tokens: int | None
    ) -> None:
        super().cache_sized(name, tokens_max, block_tokens)
        arguments = {"name": name, "tokens_max": tokens_max, "block_tokens": block_tokens}
        self._sink(Event("cache_sized", arguments, None))

    def restarted(self, name: EngineName) -> None:
        super().restarted(name)
        self._sink(Event("restarted", {"name": name}, None))

    def hold_back(self, tenant: TenantPath) -> None:
        super().hold_back(tenant)
        self._sink(Event("hold_back", {"tenant": tenant}, None))

    def let_go(self, tenant: TenantPath) -> None:
        super().let_go(tenant)
        self._sink(Event("let_go", {"tenant": tenant}, None))

    def plan(self, changes: Iterable[TreeChange]) -> TreePlan | TreeProblem:
        planned = tuple(changes)
        answer = super().plan(planned)
        self._sink(Event("plan", {"changes": planned}, answer))
        return answer

    def apply(self, plan: TreePlan) -> None:
        super().apply(plan)
        self._sink(Event("apply", {"plan": plan}, None))

    def exchange(self, settings: SchedulerSettings, now_ms: int) -> None:
        super().exchange(settings, now_ms)
        self._sink(Event("exchange", {"settings": settings, "now_ms": now_ms}, None))

    def retry_after_ms(self, tenant: TenantPath, now_ms: int) -> int:
        answer = super().retry_after_ms(tenant, now_ms)
        self._sink(Event("retry_after_ms", {"tenant": tenant, "now_ms": now_ms}, answer))
        return answer


def replay(events: Iterable[Event], scheduler: Scheduler) -> int:
    """Make the same calls to a scheduler that is fresh and of the same settings, assert that it answers
    the same, and say how many calls there were."""
    count = 0
    for method, arguments, answer in events:
        now = getattr(scheduler, method)(**arguments)
        assert now == answer, f"call {count}, {method}: was {answer}, is {now}"
        count += 1
    return count
