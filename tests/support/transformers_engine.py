"""transformers' continuous batching without its thread and without its model: the real scheduler, the
real paged cache and the real batch processor, step by step; tokens come from dice.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch
from transformers.generation.configuration_utils import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching import scheduler as engine_scheduler
from transformers.models.llama import LlamaConfig, LlamaForCausalLM

logging.getLogger("ContinuousBatchingLogger").setLevel(logging.CRITICAL)
torch.set_num_threads(1)

VOCABULARY = 128
_IS_OLD = version("transformers").startswith(("5.17.", "5.18."))  # other names of the same settings

Build = Callable[..., engine_scheduler.Scheduler]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Of the engine. `pages` of `page` tokens each."""

    seats: int = 6
    step_tokens: int = 48
    page: int = 8
    pages: int = 200
    shares_prefixes: bool = False


def tiny_model() -> Any:
    """Random weights, the same each time."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            vocab_size=VOCABULARY,
            max_position_embeddings=4096,
        )
    ).eval()
    model.set_attn_implementation("paged|sdpa" if _IS_OLD else "sdpa")
    return model


def manager_of(model: Any, shape: Shape, scheduler: str, **changed: Any) -> Any:
    """An engine that was not started. `scheduler` names one of the registry."""
    named: dict[str, Any] = (
        {"block_size": shape.page}
        if _IS_OLD
        else {"page_size": shape.page, "auto_switch_to_flash": False}
    )
    return model.init_continuous_batching(
        generation_config=GenerationConfig(
            **{"do_sample": False, "eos_token_id": -1, "pad_token_id": 0, **changed}
        ),
        continuous_batching_config=ContinuousBatchingConfig(
            scheduler_type=scheduler,
            num_blocks=shape.pages,
            max_batch_tokens=shape.step_tokens,
            max_requests_per_batch=shape.seats,
            allow_block_sharing=shape.shares_prefixes,
            use_cuda_graph=False,
            use_async_batching=False,
            **named,
        ),
    )


class SteppedEngine:
    """One engine; each `step` is an iteration of its loop."""

    def __init__(
        self, model: Any, shape: Shape, build: Build, seed: int = 0, **changed: Any
    ) -> None:
        known = engine_scheduler.SCHEDULER_MAPPING
        known["stepped"] = build
        self.manager = manager_of(model, shape, "stepped", **changed)
        self.processor = self.manager._create_batch_processor()
        del known["stepped"]
        self.scheduler: Any = self.processor.scheduler
        self.cache = self.processor.cache
        self.ended: dict[str, Any] = {}
        """The answers, by id; of none there is a second."""
        self._dice = random.Random(seed)
        self._free_at_first = self.free_capacity()

    def add(self, request_id: str, prompt: list[int], answer: int) -> None:
        self.manager.add_request(prompt, request_id=request_id, max_new_tokens=answer)

    def cancel(self, request_id: str) -> None:
        self.manager.cancel_request(request_id)

    def step(self) -> list[Any]:
        """The parts of the batch that was computed; empty: there was none."""
        if not self.processor.prepare_next_batch():
            self._hear()
            return []
        io = self.processor.inputs_and_outputs
        batch = list(io.requests_in_batch)
        for place in range(len(batch)):
            io.output_ids[0, place] = self._dice.randrange(VOCABULARY)
        self.processor.update_batch()
        self._hear()
        return batch

    def run_dry(self, steps_max: int = 10_000) -> None:
        """Until nothing is open."""
        for _ in range(steps_max):
            self.step()
            if not self.processor.has_pending_requests():
                self.scheduler.clear_cancelled_requests()
                return
        raise AssertionError(f"after {steps_max} steps something is still open")

    def free_capacity(self) -> float:
        """Of the cache, when all that is only kept for later is let go."""
        if _IS_OLD:
            return float(self.cache.get_num_free_blocks())
        self.cache.evict_cached_blocks()
        self.cache.pool.try_to_free_sectors()
        return float(self.cache.compute_free_capacity(relative=False))

    def is_all_free(self) -> bool:
        return self.free_capacity() == self._free_at_first

    def _hear(self) -> None:
        outputs = self.manager.output_router.output_queue
        while not outputs.empty():
            output = outputs.get_nowait()
            assert output.request_id not in self.ended, f"{output.request_id} ended twice"
            self.ended[output.request_id] = output
