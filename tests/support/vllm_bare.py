"""vLLM's real V1 scheduler without a model: tokens are made up, everything else is vLLM's own.

Driven as its EngineCore does: with asynchronous scheduling a second step is scheduled before the output
of the first is there. The token at a place of an answer depends on the request and the place alone, so
that a token that is lost, doubled or out of order is seen.
"""

import copy
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
from vllm.config import CacheConfig, ModelConfig, SchedulerConfig, VllmConfig
from vllm.sampling_params import SamplingParams, StructuredOutputsParams
from vllm.utils.hashing import sha256
from vllm.v1.core.kv_cache_utils import get_request_block_hasher, init_none_hash
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request, RequestStatus
from vllm.v1.structured_output import StructuredOutputManager

from support.tiny_model import END_OF_TEXT

BLOCK_TOKENS = 32
CONTEXT_TOKENS = 2048

init_none_hash(sha256)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How large an engine is. `is_async`: as vLLM does by default."""

    seats: int = 4
    step_tokens: int = 256
    blocks: int = 2048
    policy: str = "fcfs"
    is_async: bool = True
    long_prefill_tokens: int = 0


@cache
def _config(model: Path, shape: Shape) -> VllmConfig:
    scheduling = SchedulerConfig(
        max_num_seqs=shape.seats,
        max_num_batched_tokens=shape.step_tokens,
        max_model_len=CONTEXT_TOKENS,
        is_encoder_decoder=False,
        enable_chunked_prefill=True,
        policy=shape.policy,
        async_scheduling=shape.is_async,
        long_prefill_token_threshold=shape.long_prefill_tokens,
    )
    config = VllmConfig(
        model_config=_model(model),
        cache_config=CacheConfig(block_size=BLOCK_TOKENS, enable_prefix_caching=True),
        scheduler_config=scheduling,
    )
    config.cache_config.num_gpu_blocks = shape.blocks
    return config


@cache
def _model(folder: Path) -> ModelConfig:
    return ModelConfig(
        model=str(folder),
        dtype="bfloat16",
        max_model_len=CONTEXT_TOKENS,
        skip_tokenizer_init=True,
    )


def bare_scheduler(
    scheduler: type[Scheduler],
    model: Path,
    shape: Shape,
    settings: Mapping[str, Any] | None = None,
) -> Scheduler:
    """`settings` are those of the plug-in, as `--additional-config` gives them."""
    config = copy.copy(_config(model, shape))
    config.additional_config = {"evenhand": dict(settings)} if settings is not None else {}
    attention = FullAttentionSpec(
        block_size=BLOCK_TOKENS, num_kv_heads=1, head_size=64, dtype=torch.bfloat16
    )
    cache = KVCacheConfig(
        num_blocks=shape.blocks,
        kv_cache_tensors=[],
        kv_cache_groups=[KVCacheGroupSpec(["layer"], attention)],
    )
    return scheduler(
        vllm_config=config,
        kv_cache_config=cache,
        structured_output_manager=StructuredOutputManager(config),
        block_size=BLOCK_TOKENS,
        hash_block_size=BLOCK_TOKENS,
        log_stats=False,
    )


class AnyGrammar:
    """Accepts every token."""

    def accept_tokens(self, request_id: str, tokens: list[int]) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A request. `stops_after`: its answer ends by itself there. `grammar`: it cannot start before that
    has been compiled."""

    id: str
    prompt: tuple[int, ...]
    output_tokens_max: int
    stops_after: int = 1 << 30
    told: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 0
    grammar: "Future[AnyGrammar] | None" = None
    salt: str | None = None

    @property
    def output_tokens(self) -> int:
        """Of the whole answer."""
        return min(self.output_tokens_max, self.stops_after)

    def token(self, place: int) -> int:
        """Of its answer."""
        if place >= self.stops_after - 1:
            return END_OF_TEXT
        return 5 + crc32(f"{self.id}/{place}".encode()) % 4000

    def answer(self, length: int) -> list[int]:
        return [self.token(place) for place in range(length)]


_hasher = get_request_block_hasher(BLOCK_TOKENS, sha256)


def made(ask: Ask) -> Request:
    """As vLLM's front end hands it to the scheduler."""
    grammar = StructuredOutputsParams(choice=["a"]) if ask.grammar is not None else None
    parameters = SamplingParams(
        max_tokens=ask.output_tokens_max,
        extra_args=dict(ask.told) or None,
        structured_outputs=grammar,
    )
    parameters.update_from_generation_config({}, END_OF_TEXT)
    request = Request(
        request_id=ask.id,
        prompt_token_ids=list(ask.prompt),
        sampling_params=parameters,
        pooling_params=None,
        block_hasher=_hasher,
        priority=ask.priority,
        cache_salt=ask.salt,
    )
    if ask.grammar is not None:
        assert request.structured_output_request is not None
        request.structured_output_request.grammar = ask.grammar
    return request


@dataclass(eq=False)
class Ended:
    """How a request ended, and with what answer."""

    reason: str
    answer: list[int]


@dataclass(eq=False)
class Step:
    """One call of `schedule()`: what the engine will compute, of whom how many tokens, and the places
    of the tokens of answers that come of it."""

    output: SchedulerOutput
    samples: dict[str, int]

    @property
    def scheduled(self) -> Mapping[str, int]:
        tokens: dict[str, int] = self.output.num_scheduled_tokens
        return tokens


class BareEngine:
    def __init__(self, scheduler: Scheduler, *, is_async: bool = True) -> None:
        self.scheduler = scheduler
        self.depth = 2 if is_async else 1
        self.in_flight: deque[Step] = deque(maxlen=2)
        self.asks: dict[str, Ask] = {}
        self.requests: dict[str, Request] = {}
        self.answers: dict[str, list[int]] = {}
        self.ended: dict[str, Ended] = {}

    def add(self, ask: Ask) -> None:
        request = made(ask)
        self.asks[ask.id], self.requests[ask.id] = ask, request
        self.answers[ask.id] = []
        self.scheduler.add_request(request)

    def abort(self, names: Iterable[str]) -> None:
        for request in self.scheduler.finish_requests(list(names), RequestStatus.FINISHED_ABORTED):
            self._end(request.request_id, "abort")

    def step(self) -> Step | None:
        """What was scheduled, if anything was asked; outputs that are due are taken in."""
        step = None
        if self.scheduler.has_requests():
            step = self.schedule()
            if len(self.in_flight) < self.depth and step.scheduled:
                return step
        if self.in_flight:
            self.update(self.in_flight.popleft())
        return step

    def schedule(self) -> Step:
        output = self.scheduler.schedule()
        samples = {}
        for name in output.num_scheduled_tokens:
            request = self.requests[name]
            if not request.is_prefill_chunk:
                samples[name] = request.num_computed_tokens - request.num_prompt_tokens
        step = Step(output, samples)
        self.in_flight.append(step)
        return step

    def update(self, step: Step) -> None:
        names = list(step.scheduled)
        tokens = [
            [self.asks[name].token(step.samples[name])] if name in step.samples else []
            for name in names
        ]
        sampled = ModelRunnerOutput(
            req_ids=names,
            req_id_to_index={name: index for index, name in enumerate(names)},
            sampled_token_ids=tokens,
            prompt_logprobs_dict={},
            pooler_output=[],
        )
        for outputs in self.scheduler.update_from_output(step.output, sampled).values():
            for output in outputs.outputs:
                self.answers[output.request_id] += output.new_token_ids
                if output.finish_reason is not None:
                    self._end(output.request_id, str(output.finish_reason))

    def _end(self, name: str, reason: str) -> None:
        assert name not in self.ended, f"{name} ends twice"
        self.ended[name] = Ended(reason, self.answers[name])

    @property
    def open(self) -> set[str]:
        """Those that were asked and have not ended."""
        return self.asks.keys() - self.ended.keys()

    def drain(self, steps_max: int = 100_000) -> int:
        """Until nothing is left; says how many steps that took."""
        for count in range(steps_max):
            if not self.open and not self.in_flight:
                return count
            self.step()
        raise AssertionError(f"after {steps_max} steps there are still {sorted(self.open)[:5]}")
