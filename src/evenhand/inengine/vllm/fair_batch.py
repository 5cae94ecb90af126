"""What the next step holds, and in which order: the rules of `scheduling/batching` in vLLM's knobs.

Whoever is last in `running` is preempted first, whoever is first is served first; the budget of a step
and the cap on a chunk are two numbers that vLLM reads at the beginning of a step.
"""

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import Any

from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.request import Request

from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.vllm.fair_queue import FairQueue
from evenhand.inengine.vllm.record import Record
from evenhand.inengine.vllm.roster import Roster
from evenhand.scheduling.batching import Prefill, StepPace, by_standing, by_turns, chunk_cap
from evenhand.scheduling.batching.chunk_cap import water_level

_IN_FLIGHT_MAX = 64


_Step = tuple[int, int, StepPace | None]
"""When it was begun, how many tokens of prompts it has, the pace where answers were to be in time."""


class FairBatch:
    """`prepare` before each step is scheduled, `scheduled` after it, `done` when its output is there."""

    def __init__(
        self,
        settings: InEngineSettings,
        roster: Roster,
        queue: FairQueue,
        engine: Any,
        *,
        scheduler: Any,
        now_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._now_ns = now_ns
        self._settings = settings
        self._roster = roster
        self._queue = queue
        self._engine = engine
        self._scheduler = scheduler
        self._paces: dict[int, StepPace] = {}  # bounded by the lanes
        self._pace: StepPace | None = None
        self._prompts: Sequence[Request] = ()
        self._running_before = 0
        self._sorted: tuple[object, ...] = ()
        self._is_limited = False
        self._batches = settings.fair_batching
        self._preempts = settings.fair_preemption
        self._steps: deque[_Step] = deque(maxlen=_IN_FLIGHT_MAX)
        self._last_done_ns = 0

    def prepare(self) -> None:
        """Set order, budget and cap of the step that comes."""
        engine, running = self._engine, self._scheduler.running
        prompts: list[Request] = []
        if engine.computes_prompts():
            prompts = [request for request in running if request.is_prefill_chunk]
        self._prompts, self._running_before = prompts, len(running)
        answers = len(running) - len(prompts)
        self._pace = self._pace_now(answers)
        budget = max(1, engine.step_tokens - answers * engine.answer_tokens)
        if self._pace is not None:
            budget = min(budget, self._pace.tokens)
        is_short = self._preempts and engine.free_blocks() < engine.step_blocks_max(budget)
        cap = self._cap(prompts, budget, is_short=is_short) if self._batches else None
        if is_short:
            self._sort_by_standing()
        elif prompts:
            self._sort_by_turns(prompts, cap)
        whole = None if self._pace is None else answers * engine.answer_tokens + budget
        self._is_limited = whole is not None or cap is not None
        if self._is_limited:
            engine.limit_step(whole, cap)

    def scheduled(self, output: SchedulerOutput) -> None:
        """Note what the step has of prompts. vLLM's configuration is as it was."""
        if self._is_limited:
            self._engine.limit_step(None, None)
        tokens = output.num_scheduled_tokens
        prompt_tokens = 0
        if self._pace is not None:
            known = [tokens.get(request.request_id, 0) for request in self._prompts]
            joined = self._scheduler.running[self._running_before :]
            new = [tokens.get(request.request_id, 0) for request in joined]
            prompt_tokens = sum(known) + sum(new)
        self._steps.append((self._now_ns(), prompt_tokens, self._pace))

    def done(self) -> None:
        """The output of the step that was begun first is there."""
        now_ns = self._now_ns()
        if self._steps:
            began_ns, prompt_tokens, pace = self._steps.popleft()
            if pace is not None:
                # With steps scheduled ahead, one begins in truth when the one before it is done.
                took_ns = now_ns - max(began_ns, self._last_done_ns)
                pace.took(prompt_tokens, took_ns // 1000)
        self._last_done_ns = now_ns

    def _pace_now(self, answers: int) -> StepPace | None:
        """Of the answers that run, who wants their tokens soonest decides."""
        targets_ms = self._roster.targets_ms
        if not targets_ms or not answers or not self._batches:
            return None
        target_ms = min(targets_ms)
        pace = self._paces.get(target_ms)
        if pace is None:
            most = self._engine.step_tokens
            least = min(self._settings.prompt_tokens_min, most)
            pace = StepPace(target_ms * 1000, tokens_min=least, tokens_max=most)
            self._paces[target_ms] = pace
        return pace

    def _cap(self, prompts: Sequence[Request], budget: int, *, is_short: bool) -> int | None:
        heads = [] if is_short else self._queue.heads(beside_prompts=bool(prompts))
        if len(prompts) + len(heads) < 2 and not (is_short and prompts):
            return None
        records = self._roster.records
        running = [
            Prefill(record.tenant, record.prompt_left)
            for record in (records[request.request_id] for request in prompts)
        ]
        if is_short:
            # In this order prompts may come before answers: together they leave these their tokens.
            return water_level([tokens for _, tokens in running], budget)
        return chunk_cap(running, heads, budget)

    def _sort_by_turns(self, prompts: Sequence[Request], cap: int | None) -> None:
        """Answers, which take little and are waited for token by token; then prompts in turns."""
        running = self._scheduler.running
        answers = [request for request in running if not request.is_prefill_chunk]
        if len(prompts) > 1:
            self._queue.charge()
            records = [self._roster.records[request.request_id] for request in prompts]
            most = 1 << 60 if cap is None else cap
            turns = by_turns(
                records,
                lambda record: record.tenant,
                lambda record: min(record.prompt_left, most),
                self._standings(),
            )
            prompts = [record.request for record in turns]
        self._scheduler.running = answers + list(prompts)
        self._sorted = ()

    def _sort_by_standing(self) -> None:
        """Who has had most for its weight is last, and preempted first."""
        self._queue.charge()
        roster = self._roster
        records = [roster.records[request.request_id] for request in self._scheduler.running]
        groups = {record.group: record for record in records}
        standing_of = self._standings()
        order = sorted(groups, key=lambda group: standing_of(groups[group]))
        seen = (roster.version, order)
        if seen == self._sorted:
            return  # the same requests, and their tenants stand as they did
        self._sorted = seen
        ordered = by_standing(records, lambda record: record.number, standing_of)
        self._scheduler.running = [record.request for record in ordered]

    def _standings(self) -> "_Standings":
        return _Standings(self._roster)


class _Standings:
    """Of requests by their records, at one moment: one of each group is asked."""

    def __init__(self, roster: Roster) -> None:
        self._host = roster.host
        self._found: dict[object, tuple[int, ...]] = {}

    def __call__(self, record: Record) -> tuple[int, ...]:
        found = self._found.get(record.group)
        if found is None:
            found = self._host.standing(record.request.request_id)
            self._found[record.group] = found
        return found
