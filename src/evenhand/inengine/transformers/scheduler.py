"""transformers' own scheduler with the core's order: nothing of what it does with candidates is copied.

Its loop asks for candidates one by one, so they come from a generator: decodes, prompts that are being
computed, then whoever the core names, as long as there is room.
"""

from array import array
from collections.abc import Callable, Iterator
from typing import Any

from transformers.generation.continuous_batching import requests as engine_requests
from transformers.generation.continuous_batching import scheduler as engine_scheduler

from evenhand.inengine.host import Arrival, EngineHost
from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.step_clock import StepClock
from evenhand.inengine.transformers import versions
from evenhand.inengine.transformers.asked import Asked
from evenhand.inengine.transformers.tenants import Tenants
from evenhand.model import Outcome, TenantPath
from evenhand.scheduling.batching import Prefill, by_standing, by_turns, chunk_cap

DECODING = engine_requests.RequestStatus.DECODING
FAILED = engine_requests.RequestStatus.FAILED
PREFILLING = engine_requests.RequestStatus.PREFILLING
PENDING = engine_requests.RequestStatus.PENDING

SAFETY_MARGIN = 0.15  # as the engine's own first-come-first-served has it


class FairScheduler(engine_scheduler.Scheduler):
    """All calls come from the engine's one generation thread; only `tenants` is told from others."""

    def __init__(
        self,
        cache: Any,
        safety_margin: float | None,
        max_requests_per_batch: int,
        *,
        settings: InEngineSettings,
        tenants: Tenants,
        build_host: Callable[..., EngineHost] = EngineHost,
    ) -> None:
        versions.check()
        versions.check_parts(vars(engine_scheduler) | vars(engine_requests))
        self._settings = settings
        self._tenants = tenants
        self._clock = StepClock()
        self._tokens_max = versions.tokens_max(cache)
        self.host = build_host(settings, seats=max_requests_per_batch)
        self.recomputed_tokens = 0
        """Computed again after the engine took a request back: charged to nobody."""
        # These are bounded by what the engine's front end lets in.
        self._asked: dict[str, Asked] = {}
        self._waiting: dict[TenantPath, dict[str, Any]] = {}
        self._left: dict[str, Any] = {}
        self._cap: int | None = None
        self._arrivals = 0
        margin = SAFETY_MARGIN if safety_margin is None else safety_margin
        super().__init__(cache, margin, max_requests_per_batch)

    # Requests come and go.

    def add_waiting_request(self, state: Any) -> None:
        """ValueError: it cannot be served. The engine fails it, and says why."""
        self._clock.tick()
        request_id = state.request_id
        took_back = state.is_cpu_offloaded or state._true_initial_tokens > 0
        if request_id in self._left and took_back:
            asked = self._take_back(state)
        else:
            self._tell_of_ends()
            asked = self._arrive(state)
        self._waiting.setdefault(asked.hints.tenant, {})[request_id] = state
        super().add_waiting_request(state)

    def finish_request(self, request_id: str) -> None:
        """It has ended, or the engine takes it back, which only the next call tells."""
        state = self.active_requests.get(request_id)
        if state is not None:
            self._left[request_id] = state
        super().finish_request(request_id)

    def clear_cancelled_requests(self) -> list[Any]:
        """The engine's loop begins each round with it, so this is where the core hears of the last step."""
        self._clock.tick()
        self._tell_of_ends()
        self._charge()
        cancelled: list[Any] = super().clear_cancelled_requests()
        for state in cancelled:
            self._end(state, Outcome.CANCELLED_RUNNING)
        return cancelled

    def reset(self) -> None:
        """What was open is over: the engine's thread has ended."""
        self._clock.tick()
        if self._asked:
            self._tell_of_ends()
        for asked in {id(asked): asked for asked in self._asked.values()}.values():
            self.host.ended(asked.id, asked.usage(), Outcome.ENGINE_FAILED, self._clock.now_ms)
        self._asked.clear()
        self._waiting.clear()
        super().reset()

    # A step.

    def schedule_batch(
        self, token_budget: int, cache_budget: int
    ) -> tuple[list[Any] | None, bool, int, int]:
        self._clock.tick()
        decodes = by_standing(self._running(DECODING), self._place, self._standing)
        # Who waits for memory to be freed need not wait where nothing runs that could free it.
        lets_in = not (self.block_new_requests and self.active_requests)
        heads = self._heads() if lets_in else []
        room = max(1, token_budget - len(decodes))
        prompts = self._prompts(heads, room)
        taken: set[str] = set()
        batch, starved, is_decode_only, tokens, read = self._process_candidates(
            self._candidates(decodes, prompts, lets_in=lets_in), token_budget, cache_budget, taken
        )
        if taken:
            self._cleanup_waiting_queue(taken)
        # The engine takes memory from the last of them first.
        self.starved_requests.sort(key=lambda denied: self._standing(denied[0]))
        if not batch and starved:
            return None, is_decode_only, 0, 0
        return batch, is_decode_only, tokens, read

    def _candidates(
        self, decodes: list[Any], prompts: list[Any], *, lets_in: bool
    ) -> Iterator[Any]:
        yield from decodes
        yield from prompts
        while lets_in:
            head = self.host.head(self._clock.now_ms)
            if head is None:
                return
            state = self.waiting_requests[head]
            yield state
            if state.status == PENDING:
                return  # there is no room for it, and nobody overtakes it

    def _infer_request_tokens(self, state: Any, taken: set[str]) -> list[int]:
        """Of a prompt, no more than this step's cap."""
        waited = state.status == PENDING
        tokens: list[int] = super()._infer_request_tokens(state, taken)
        if waited and state.status != PENDING:  # some of it is cached
            self.waiting_requests.pop(state.request_id, None)
            self._start(state)
        if self._cap is not None and state.status != DECODING:
            return tokens[: self._cap]
        return tokens

    def _schedule_request(
        self, state: Any, request_tokens: list[int], token_budget: int, taken: set[str]
    ) -> None:
        waited = state.status == PENDING
        if state.status != DECODING:
            token_budget = min(token_budget, len(request_tokens))
            request_tokens = state.remaining_prefill_tokens
        super()._schedule_request(state, request_tokens, token_budget, taken)
        if waited:
            self._start(state)
        start = state.position_offset
        asked = self._asked[state.request_id]
        self.recomputed_tokens += asked.recomputed(start, start + len(state.tokens_to_process))

    # Inside.

    def _take_back(self, state: Any) -> Asked:
        left, asked = self._left.pop(state.request_id), self._asked[state.request_id]
        if asked.open_states > 1:  # the others run on, so from now on it is a request of its own
            self._end(left, Outcome.COMPLETED)
            return self._arrive(state)
        self.host.preempted(asked.id, self._clock.now_ms)
        return asked

    def _arrive(self, state: Any) -> Asked:
        request_id = state.request_id
        if request_id in self._asked:
            raise ValueError(
                f"evenhand: a request with the id {request_id!r} is open already. Give each its own."
            )
        tokens = len(state.initial_tokens) + (state.max_new_tokens or 1)
        if tokens > self._tokens_max:
            raise ValueError(
                f"evenhand: prompt and answer may take {tokens} tokens, and the cache holds"
                f" {self._tokens_max}. Ask for less, or give the engine more blocks."
            )
        parent = self._asked.get(_original(request_id))
        hints = (
            self._tenants.take(request_id, trusts_ids=self._settings.trust_hints)
            if parent is None
            else parent.hints
        )
        self._arrivals += 1
        asked = self._asked[request_id] = Asked(state, hints, self._arrivals)
        prefix = array("I", state.initial_tokens).tobytes() if self.host.reads_prefix else b""
        self.host.arrived(
            Arrival(
                id=request_id,
                hints=hints,
                input_tokens=asked.prompt_tokens,
                output_tokens_max=state.max_new_tokens,
                prefix=prefix,
            ),
            self._clock.now_ms,
        )
        return asked

    def _start(self, state: Any) -> None:
        """The engine has taken whom the core named."""
        asked, now_ms = self._asked[state.request_id], self._clock.now_ms
        named = self.host.start(now_ms)
        assert named == asked.id, f"{named} was named, not {asked.id}"
        self._wait_no_more(asked, state.request_id)
        if asked.cached_tokens is None:
            asked.cached_tokens = min(state.position_offset, asked.prompt_tokens)
            self.host.counted(asked.id, asked.prompt_tokens, asked.cached_tokens, now_ms)
        asked.position_max = max(asked.position_max, state.position_offset)

    def _wait_no_more(self, asked: Asked, request_id: str) -> None:
        waiting = self._waiting[asked.hints.tenant]
        del waiting[request_id]
        if not waiting:
            del self._waiting[asked.hints.tenant]

    def _charge(self) -> None:
        """Tell of the tokens that have come."""
        produced: dict[str, int] = {}
        for request_id, state in self.active_requests.items():
            asked = self._asked[request_id]
            before = produced.get(asked.id, asked.ended_tokens)
            produced[asked.id] = before + asked.answer_tokens(state)
        for request_id, tokens in produced.items():
            self.host.produced(request_id, tokens, self._clock.now_ms)

    def _running(self, status: Any) -> list[Any]:
        return [state for state in self.active_requests.values() if state.status == status]

    def _prompts(self, heads: list[Prefill], room: int) -> list[Any]:
        """Those that are being computed, by turns, and how much of each the step may hold."""
        running = sorted(self._running(PREFILLING), key=self._place)
        cap = chunk_cap([self._prefill(state) for state in running], heads, room)
        self._cap = cap

        def chunk(state: Any) -> int:
            tokens = len(state.remaining_prefill_tokens)
            return tokens if cap is None else min(tokens, cap)

        return by_turns(running, self._tenant, chunk, self._standing)

    def _tell_of_ends(self) -> None:
        if not self.active_requests.keys() <= self._asked.keys():
            self._notice_copies()
        left, self._left = self._left, {}
        for state in left.values():
            failed = state.status == FAILED
            self._end(state, Outcome.ENGINE_FAILED if failed else Outcome.COMPLETED)

    def _notice_copies(self) -> None:
        """The engine copies a running request for each further answer that was asked for."""
        for request_id in sorted(self.active_requests.keys() - self._asked.keys()):
            asked = self._asked[_original(request_id)]
            asked.open_states += 1
            self._asked[request_id] = asked

    def _end(self, state: Any, outcome: Outcome) -> None:
        request_id = state.request_id
        asked = self._asked.pop(request_id)
        if request_id in self._waiting.get(asked.hints.tenant, ()):
            self._wait_no_more(asked, request_id)
        asked.ended_tokens += asked.answer_tokens(state)
        asked.open_states -= 1
        if not asked.open_states:
            self.host.ended(asked.id, asked.usage(), outcome, self._clock.now_ms)

    def _heads(self) -> list[Prefill]:
        """The first to wait of each tenant."""
        return [
            Prefill(tenant, len(next(iter(waiting.values())).remaining_prefill_tokens))
            for tenant, waiting in self._waiting.items()
        ]

    def _prefill(self, state: Any) -> Prefill:
        return Prefill(self._tenant(state), len(state.remaining_prefill_tokens))

    def _tenant(self, state: Any) -> TenantPath:
        return self._asked[state.request_id].hints.tenant

    def _place(self, state: Any) -> int:
        return self._asked[state.request_id].place

    def _standing(self, state: Any) -> tuple[int, ...]:
        return self.host.standing(self._asked[state.request_id].id)


def _original(request_id: str) -> str:
    """Of which request a copy is, by how the engine names copies."""
    return request_id.rpartition("__child#")[0]
