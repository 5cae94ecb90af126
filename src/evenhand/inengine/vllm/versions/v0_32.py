"""vLLM 0.32: what is used of its scheduler beside the interface."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from vllm.v1.core.block_pool import BlockPool
from vllm.v1.core.kv_cache_manager import KVCacheManager
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.request import Request

CLASSES: Mapping[str, type] = {
    "AsyncScheduler": AsyncScheduler,
    "KVCacheManager": KVCacheManager,
    "BlockPool": BlockPool,
}
NEEDS: Mapping[str, Mapping[str, tuple[str, ...] | None]] = {
    "AsyncScheduler": {
        "schedule": ("throttle_prefills",),
        "update_from_output": ("scheduler_output", "model_runner_output"),
        "add_request": ("request",),
        "_enqueue_waiting_request": ("request",),
        "_handle_blocked_waiting_request": ("request",),
        "_is_blocked_waiting_status": None,
        "_preempt_request": ("request", "timestamp"),
        "_update_after_schedule": ("scheduler_output",),
        "_free_request": ("request",),
        "shutdown": (),
    },
    "KVCacheManager": {
        "get_computed_blocks": ("request",),
        "get_block_ids": ("request_id",),
    },
    "BlockPool": {"get_num_free_blocks": ()},
}
ATTRIBUTES = (
    "waiting",
    "kv_holding_waiting",
    "deferred_waiting",
    "running",
    "policy",
    "max_num_active_reqs",
    "max_num_scheduled_tokens",
    "adaptive_long_prefill_threshold",
    "num_waiting_for_streaming_input",
    "num_spec_tokens",
    "num_sampled_tokens_per_step",
    "num_lookahead_tokens",
    "block_size",
    "kv_cache_config",
    "kv_cache_manager",
    "scheduler_config",
    "_inflight_prefills",
)


def lacking_attributes(scheduler: Any) -> list[str]:
    """Of a scheduler that has been made."""
    return [f"AsyncScheduler.{name}" for name in ATTRIBUTES if not hasattr(scheduler, name)]


class Engine:
    """A scheduler of this release, by what is asked of it."""

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        self._pool = scheduler.kv_cache_manager.block_pool
        config = scheduler.scheduler_config
        self.seats: int = scheduler.max_num_active_reqs
        self.step_tokens: int = scheduler.max_num_scheduled_tokens
        self.answer_tokens: int = scheduler.num_spec_tokens + max(
            1, scheduler.num_sampled_tokens_per_step
        )
        """What an answer takes of a step."""
        self.blocks: int = scheduler.kv_cache_config.num_blocks
        self._groups = len(scheduler.kv_cache_config.kv_cache_groups)
        self._block_tokens: int = scheduler.block_size
        self._lookahead_blocks = -(-scheduler.num_lookahead_tokens // scheduler.block_size)
        self._chunk_tokens: int = config.long_prefill_token_threshold
        self._is_adaptive: bool = scheduler.adaptive_long_prefill_threshold

    def unblocks(self, request: Request) -> bool:
        """Whether a request that could not run may compete by now."""
        scheduler = self._scheduler
        if not scheduler._handle_blocked_waiting_request(request):  # noqa: SLF001 - as vLLM itself asks
            return False
        scheduler.deferred_waiting.discard(request)
        return True

    def has_seat(self) -> bool:
        """Whether one more may run."""
        scheduler = self._scheduler
        occupied = len(scheduler.running) + scheduler.num_waiting_for_streaming_input
        return bool(occupied < self.seats)

    def seats_free(self) -> int:
        """How many more may run."""
        scheduler = self._scheduler
        occupied = len(scheduler.running) + scheduler.num_waiting_for_streaming_input
        return max(0, self.seats - occupied)

    def computes_prompts(self) -> bool:
        """Whether a prompt has begun and is not done."""
        return bool(self._scheduler._inflight_prefills)  # noqa: SLF001 - it has no other name

    def free_blocks(self) -> int:
        """Of the engine's memory."""
        return int(self._pool.get_num_free_blocks())

    def step_blocks_max(self, tokens: int) -> int:
        """More than a step of so many tokens can take."""
        running = len(self._scheduler.running)
        per_request = 1 + self._lookahead_blocks
        return (running * per_request + -(-tokens // self._block_tokens)) * self._groups

    def blocks_of(self, request: Request) -> int:
        """How much it has."""
        held: Iterable[list[int]] = self._scheduler.kv_cache_manager.get_block_ids(
            request.request_id
        )
        return sum(map(len, held))

    def blocks_needed(self, tokens: int) -> int:
        """By a request with so many tokens and one more."""
        return -(-(tokens + 1) // self._block_tokens) * self._groups

    def cached_tokens(self, request: Request) -> int:
        """How many of its tokens are in the cache, from the first on."""
        _, tokens, _ = self._scheduler.kv_cache_manager.get_computed_blocks(request)
        return int(tokens)

    def cached_blocks(self, request: Request) -> int:
        """How many of its blocks, by which prompts are compared, are in the cache."""
        return self.cached_tokens(request) // int(self._scheduler.hash_block_size)

    def limit_step(self, tokens: int | None, chunk_tokens: int | None) -> None:
        """Of the next step: tokens in all, tokens of one prompt. None: as configured."""
        scheduler = self._scheduler
        whole = self.step_tokens if tokens is None else min(tokens, self.step_tokens)
        scheduler.max_num_scheduled_tokens = whole
        if chunk_tokens is None:
            scheduler.scheduler_config.long_prefill_token_threshold = self._chunk_tokens
            scheduler.adaptive_long_prefill_threshold = self._is_adaptive
            return
        # An answer's drafts are no chunk of a prompt, and stay together.
        chunk = max(chunk_tokens, self.answer_tokens)
        if self._chunk_tokens > 0 and not self._is_adaptive:
            chunk = min(chunk, self._chunk_tokens)
        scheduler.scheduler_config.long_prefill_token_threshold = chunk
        scheduler.adaptive_long_prefill_threshold = False

    def drafts(self, output: SchedulerOutput) -> Collection[str]:
        """Requests of a step whose tokens may be thrown away."""
        drafts: Mapping[str, object] = output.scheduled_spec_decode_tokens
        return drafts.keys()
