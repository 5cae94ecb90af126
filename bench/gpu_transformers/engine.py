"""The model, engines around it, and the clients that ask them."""

import heapq
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from itertools import count
from statistics import median
from typing import Any

import torch
from transformers.generation.configuration_utils import ContinuousBatchingConfig, GenerationConfig
from transformers.models.llama import LlamaConfig, LlamaForCausalLM

from bench.gpu_transformers.seen import Crowd, Played, Record, Step
from bench.gpu_transformers.size import Size
from bench.gpu_transformers.watched import Watched

_IS_OLD = version("transformers").startswith(("5.17.", "5.18."))  # other names of the same settings


class Bench:
    """The model, and engines around it one after the other."""

    def __init__(self, size: Size, device: str) -> None:
        self.size = size
        self.device = device
        torch.manual_seed(0)
        of_model = LlamaConfig(
            **size.model, max_position_embeddings=32_768, tie_word_embeddings=True
        )
        usual = torch.get_default_dtype()
        torch.set_default_dtype(torch.bfloat16 if device == "cuda" else torch.float32)
        with torch.device(device):
            self.model = LlamaForCausalLM(of_model).eval()
        torch.set_default_dtype(usual)
        self.model.set_attn_implementation("paged|sdpa" if _IS_OLD else "sdpa")
        vocabulary = range(10, size.model["vocab_size"])
        self.text = random.Random(0).choices(vocabulary, k=1 << 16)  # noqa: S311

    def play(self, crowds: Sequence[Crowd], scheduler: str, *, seconds: float, seed: int) -> Played:
        """Let the crowds ask one engine for so long."""
        with self._engine(scheduler) as manager:
            stage = _Stage(manager, self.text, random.Random(seed))  # noqa: S311
            stage.let_ask(crowds, seconds)
            watched = manager.batch_processor.scheduler
            assert isinstance(watched, Watched), "the engine took another scheduler"
            steps = list(watched.steps)
            manager.stop(block=True, hard_stop=True)
            stage.hear_the_rest()
        began = stage.began
        return Played(
            records=stage.records,
            steps=[Step(**{**vars(step), "begin_s": step.begin_s - began}) for step in steps],
            seconds=seconds,
        )

    @contextmanager
    def _engine(self, scheduler: str) -> Iterator[Any]:
        size = self.size
        named: dict[str, Any] = (
            {"block_size": size.page}
            if _IS_OLD
            else {"page_size": size.page, "auto_switch_to_flash": False}
        )
        manager = self.model.init_continuous_batching(
            generation_config=GenerationConfig(do_sample=False, eos_token_id=-1, pad_token_id=0),
            continuous_batching_config=ContinuousBatchingConfig(
                scheduler_type=scheduler,
                num_blocks=size.pages,
                max_batch_tokens=size.batch_tokens,
                max_requests_per_batch=size.seats,
                allow_block_sharing=False,
                **named,
            ),
        )
        manager.start()
        try:
            yield manager
        finally:
            manager.destroy()


def new_shape_ms() -> dict[str, float]:
    """How long attention takes for lengths that were not seen before, with cuDNN's kernels, which are
    planned anew for each, and without. Lengths in a batch of this engine are new at almost every step,
    so the bench goes without."""
    told = {}
    for name, enabled in (("with cuDNN", True), ("without", False)):
        torch.backends.cuda.enable_cudnn_sdp(enabled)
        took = []
        for length in range(1_000, 1_040):
            query, key = (
                torch.randn(1, 32, tokens, 64, device="cuda", dtype=torch.bfloat16)
                for tokens in (10, length)
            )
            mask = torch.zeros(1, 1, 10, 2_048, device="cuda", dtype=torch.bfloat16)[..., :length]
            torch.cuda.synchronize()
            began = time.perf_counter()
            try:
                torch.nn.functional.scaled_dot_product_attention(query, key, key, attn_mask=mask)
                torch.cuda.synchronize()
            except RuntimeError:
                break  # these kernels cannot do it: then no engine uses them
            took.append((time.perf_counter() - began) * 1e3)
        told[name] = round(median(took), 3) if took else math.nan
    return told


class _Stage:
    """All clients of one run, in this thread."""

    def __init__(self, manager: Any, text: Sequence[int], rng: random.Random) -> None:
        self.records: list[Record] = []
        self.began = 0.0
        self._manager = manager
        self._text = text
        self._rng = rng
        self._open: dict[str, tuple[Record, Crowd]] = {}
        self._due: list[tuple[float, int, Crowd]] = []
        self._numbers = count()

    def let_ask(self, crowds: Sequence[Crowd], seconds: float) -> None:
        while self._manager.batch_processor is None:
            self._check()
            time.sleep(0.01)
        self.began = time.perf_counter()
        for crowd in crowds:
            for _ in range(crowd.clients):
                self._plan(crowd, crowd.from_s)
        while (now := self._now()) < seconds:
            while self._due and self._due[0][0] <= now:
                self._ask(heapq.heappop(self._due)[2])
            until = min(self._due[0][0] if self._due else seconds, seconds)
            output = self._manager.get_result(timeout=max(0.001, min(until - now, 0.05)))
            if output is not None and output.is_finished():
                self._heard(output)
            else:
                self._check()

    def hear_the_rest(self) -> None:
        while (output := self._manager.get_result(timeout=0)) is not None:
            if output.request_id in self._open:
                self._open.pop(output.request_id)[0].token_s = self._times(output)

    def _check(self) -> None:
        if not self._manager.is_running():
            why = self._manager.background_thread_status.fatal_error
            raise RuntimeError("the engine's thread has died") from why

    def _now(self) -> float:
        return time.perf_counter() - self.began

    def _plan(self, crowd: Crowd, at_s: float) -> None:
        at_s += self._rng.uniform(0.5, 1.5) * crowd.think_s
        heapq.heappush(self._due, (at_s, next(self._numbers), crowd))

    def _ask(self, crowd: Crowd) -> None:
        start = self._rng.randrange(len(self._text) - crowd.prompt)
        request_id = f"{crowd.tenant}~{next(self._numbers)}"
        record = Record(
            tenant=crowd.tenant, prompt=crowd.prompt, answer=crowd.answer, sent_s=self._now()
        )
        self.records.append(record)
        self._open[request_id] = record, crowd
        self._manager.add_request(
            list(self._text[start : start + crowd.prompt]),
            request_id=request_id,
            max_new_tokens=crowd.answer,
            record_timestamps=True,
        )

    def _heard(self, output: Any) -> None:
        if output.error:
            raise RuntimeError(f"the engine failed a request: {output.error}")
        record, crowd = self._open.pop(output.request_id)
        record.token_s = self._times(output)
        self._plan(crowd, self._now())

    def _times(self, output: Any) -> list[float]:
        return [at - self.began for at in output.timestamps or ()]
