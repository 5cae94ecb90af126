"""transformers' own scheduler with the core's order: nothing of what it does with candidates is copied.

Its loop takes candidates one by one, so they come from a generator: answers, prompts that are being
computed, then whoever the core names, as long as there is room.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from transformers.generation.continuous_batching import requests as engine_requests
from transformers.generation.continuous_batching import scheduler as engine_scheduler

from evenhand.inengine.accounts import Accounts
from evenhand.inengine.event_log import recorded
from evenhand.inengine.host import EngineHost
from evenhand.inengine.report import NowAndThen, report
from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.step_clock import StepClock
from evenhand.inengine.step_time import StepOwner
from evenhand.inengine.step_time_file import gpu_time
from evenhand.inengine.tenant_hints import HintReader
from evenhand.inengine.transformers import versions
from evenhand.inengine.transformers.ceilings import Ceilings
from evenhand.inengine.transformers.fair_step import FairStep
from evenhand.inengine.transformers.roster import Roster
from evenhand.inengine.transformers.tenants import Hints, Notes
from evenhand.inengine.transformers.victims import Victims
from evenhand.model import Outcome

DECODING = engine_requests.RequestStatus.DECODING
PENDING = engine_requests.RequestStatus.PENDING

SAFETY_MARGIN = 0.15  # as the engine's own first-come-first-served has it
_FLUSH_S = 1  # nobody tells a scheduler of this engine that it is going to end
_log = logging.getLogger("evenhand.inengine")


class FairScheduler(engine_scheduler.Scheduler):
    """All calls come from the engine's one generation thread; only `notes` are written from others."""

    starved_requests: list[tuple[Any, int]]

    def __init__(
        self,
        cache: Any,
        safety_margin: float | None,
        max_requests_per_batch: int,
        *,
        settings: InEngineSettings,
        notes: Notes,
        host: Callable[..., EngineHost] = EngineHost,
    ) -> None:
        versions.check_parts(vars(engine_scheduler) | vars(engine_requests))
        path = None if settings.event_log is None else Path(settings.event_log)
        self._event_log = recorded(settings, path, host="transformers")
        tokens_max = versions.tokens_max(cache)
        self._clock = StepClock()
        self.host = host(
            settings, seats=max_requests_per_batch, scheduler=self._event_log.scheduler
        )
        self.hints = HintReader(trusts=settings.trust_hints, secret=None)
        self.roster = Roster(
            self.host, self._clock, Hints(notes, self.hints), tokens_max=tokens_max
        )
        self._ceilings = Ceilings(settings, self.roster, tokens_max)
        self._step = FairStep(settings, self.roster)
        self._victims = Victims(settings, self.roster)
        self._gpu_time = gpu_time(settings)
        self._step_tokens: dict[StepOwner, int] = {}
        """Of the step that is being put together."""
        self._reports = NowAndThen(settings.report_s)
        self._flushes = NowAndThen(_FLUSH_S)
        margin = SAFETY_MARGIN if safety_margin is None else safety_margin
        super().__init__(cache, margin, max_requests_per_batch)
        _log.info("evenhand: FairScheduler schedules this engine, policy %s", settings.policy)

    # The engine calls.

    def add_waiting_request(self, state: Any) -> None:
        """ValueError: it cannot be served. The engine fails it, and says why."""
        self._clock.tick()
        self.roster.arrived(state)
        super().add_waiting_request(state)

    def finish_request(self, request_id: str) -> None:
        state = self.active_requests.get(request_id)
        if state is not None:
            self.roster.notice_copies(self.active_requests)
            self.roster.left(state)
        super().finish_request(request_id)

    def clear_cancelled_requests(self) -> list[Any]:
        """The engine's loop begins each round with it, so here the core hears of the last step."""
        self._step.done()
        if self._gpu_time is not None:
            self._gpu_time.times.done()
        self._clock.tick()
        roster = self.roster
        roster.notice_copies(self.active_requests)
        roster.tell_of_ends()
        roster.charge(self.active_requests)
        cancelled: list[Any] = super().clear_cancelled_requests()
        for state in cancelled:
            roster.ended(state, Outcome.CANCELLED_RUNNING)
        if self._reports.is_due(self._clock.now_ms):
            report(roster.accounts_now(), self.hints.problems)
        if self._flushes.is_due(self._clock.now_ms):
            self._event_log.flush()
        return cancelled

    def reset(self) -> None:
        """The engine's thread has ended, and with it what was open."""
        self._clock.tick()
        self.roster.all_ended()
        self._event_log.flush()
        super().reset()

    def schedule_batch(
        self, token_budget: int, cache_budget: int
    ) -> tuple[list[Any] | None, bool, int, int]:
        self._clock.tick()
        order, room = self._step.plan(
            self.active_requests.values(),
            DECODING,
            room=token_budget,
            seats=self.max_requests_per_batch - len(self.active_requests),
        )
        left_out = self._victims.sits_out(self.active_requests)
        if left_out is not None:
            order = [state for state in order if state is not left_out]
        self._ceilings.count(self.active_requests)
        taken: set[str] = set()
        batch, finds_none, is_decode_only, tokens, read = self._process_candidates(
            self._candidates(order), room, cache_budget, taken
        )
        if taken:
            self._cleanup_waiting_queue(taken)
        self.starved_requests = self._victims.chosen(
            self.starved_requests, self.active_requests, is_idle=not batch
        )
        self.roster.accounts.scheduled += tokens
        if self._gpu_time is not None:
            self._gpu_time.times.begun(self._step_tokens)
            self._step_tokens = {}
        if not batch and finds_none:
            return None, is_decode_only, 0, 0
        return batch, is_decode_only, tokens, read

    def _infer_request_tokens(self, state: Any, taken: set[str]) -> list[int]:
        """Of a prompt, no more than this step's cap."""
        waited = state.status == PENDING
        tokens: list[int] = super()._infer_request_tokens(state, taken)
        if waited and state.status != PENDING:  # some of it is cached, so it runs
            self.waiting_requests.pop(state.request_id, None)
            self._began(state)
        if self._step.cap is not None and state.status != DECODING:
            return tokens[: self._step.cap]
        return tokens

    def _schedule_request(
        self, state: Any, request_tokens: list[int], token_budget: int, taken: set[str]
    ) -> None:
        waited, answers = state.status == PENDING, state.status == DECODING
        if not answers:
            token_budget = min(token_budget, len(request_tokens))
            request_tokens = state.remaining_prefill_tokens
        super()._schedule_request(state, request_tokens, token_budget, taken)
        if self._gpu_time is not None:
            owner, tokens = self.roster.records[state.request_id].gpu_owner, self._step_tokens
            tokens[owner] = tokens.get(owner, 0) + len(state.tokens_to_process)
        if waited:
            self._began(state)
        if not answers:
            self._step.prompt_tokens += len(state.tokens_to_process)

    # People ask.

    def accounts(self) -> Accounts:
        """What was computed so far, and for whom."""
        return self.roster.accounts_now()

    # Inside.

    def _candidates(self, running: list[Any]) -> Iterator[Any]:
        yield from running
        # Who waits for memory to be freed need not wait where nothing runs that could free it.
        if self.block_new_requests and self.active_requests:
            return
        while (head := self._ceilings.head()) is not None:
            state = self.waiting_requests[head]
            yield state
            if state.status == PENDING:
                return  # there is no room for it, and nobody overtakes it

    def _began(self, state: Any) -> None:
        self.roster.began(state)
        self._ceilings.take(state)
