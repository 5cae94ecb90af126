"""transformers' continuous batching with its own scheduler and with the core inside, on a GPU.

    python -m bench.gpu_transformers --json out.json        (4.5 minutes; --quick: a look, on a CPU too)

A model of a billion parameters with random weights is made on the device, so nothing is downloaded. Each
run is an engine of its own and a few seconds of clients in closed loops; settings take turns within each
round. What was seen is in the file after each run, so a run that is cut off leaves the others.
Needs torch, transformers and numpy. `python -m bench.gpu_step_times out.json` compares the steps with the
simulator's model of them.
"""

import argparse
import heapq
import json
import logging
import math
import platform
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
import transformers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM
from transformers.generation.configuration_utils import ContinuousBatchingConfig
from transformers.generation.continuous_batching import scheduler as engine_scheduler

from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.transformers import FairScheduler
from evenhand.inengine.transformers.tenants import Notes
from evenhand.scheduling import TokenWeights
from evenhand.sim.measures.entitlement import due
from evenhand.sim.measures.jain import jain

UNITS = TokenWeights()
LONGEST_REQUESTS = 10
_STEPS_KEPT = 6_000
_IS_OLD = transformers.__version__.startswith(("5.17.", "5.18."))  # other names of the same settings


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of the model, the engine and the scenes."""

    model: Mapping[str, int]
    page: int
    pages: int
    batch_tokens: int
    seats: int
    noisy: int
    noisy_prompt: int
    noisy_answer: int
    long_prompt: int
    seconds: float
    rounds: int


WHOLE = Size(
    model={
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "vocab_size": 32_000,
    },
    page=256,
    pages=640,
    batch_tokens=1_024,
    seats=256,
    noisy=64,
    noisy_prompt=1_024,
    noisy_answer=32,
    long_prompt=28_000,
    seconds=8.0,
    rounds=3,
)
QUICK = Size(
    model={
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": 512,
    },
    page=16,
    pages=256,
    batch_tokens=128,
    seats=64,
    noisy=16,
    noisy_prompt=128,
    noisy_answer=8,
    long_prompt=1_500,
    seconds=3.0,
    rounds=1,
)


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """So many clients of a tenant, each of which asks again when it has its answer and has paused."""

    tenant: str
    clients: int
    prompt: int
    answer: int
    think_s: float = 0.0
    from_s: float = 0.0


@dataclass(kw_only=True)
class Record:
    """One request; instants in seconds since the run began."""

    tenant: str
    prompt: int
    answer: int
    sent_s: float
    token_s: list[float] = field(default_factory=list)

    @property
    def units_asked(self) -> int:
        return UNITS.of_tokens(self.prompt, self.answer)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One iteration. `pairs` of tokens attend to each other in prefill; `read` is all that is read of
    keys and values; `units` is what each tenant was served."""

    begin_s: float
    ms: float
    prompt_tokens: int
    answers: int
    context: int
    pairs: float
    read: int
    units: Mapping[str, int]

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.answers


@dataclass(frozen=True, kw_only=True)
class Played:
    records: Sequence[Record]
    steps: Sequence[Step]
    seconds: float


class Watched:
    """Beside a scheduler: what each step had to do, and how long it took, until the next was asked for."""

    steps: list[Step]
    began: tuple[float, list[Any]] | None

    def watch(self) -> None:
        self.steps, self.began = [], None

    def schedule_batch(self, token_budget: int, cache_budget: int) -> Any:
        now = time.perf_counter()
        if self.began is not None:
            begin, had = self.began
            self.steps.append(_step(begin, (now - begin) * 1e3, had))
        found = super().schedule_batch(token_budget, cache_budget)  # type: ignore[misc]
        # What waits inside the engine's loop for work is no step.
        self.began = (now, [_had(part) for part in found[0]]) if found[0] else None
        return found

    def clear_cancelled_requests(self) -> Any:
        if not self.active_requests and not self.waiting_requests:  # type: ignore[attr-defined]
            self._close()
        return super().clear_cancelled_requests()  # type: ignore[misc]

    def _close(self) -> None:
        if self.began is not None:
            begin, had = self.began
            self.steps.append(_step(begin, (time.perf_counter() - begin) * 1e3, had))
            self.began = None


class WatchedFifo(Watched, engine_scheduler.FIFOScheduler):
    def __init__(self, **how: Any) -> None:
        self.watch()
        super().__init__(**how)


class WatchedFair(Watched, FairScheduler):
    def __init__(self, **how: Any) -> None:
        self.watch()
        super().__init__(**how)


def _had(part: Any) -> tuple[str, int, int, bool]:
    state = part.state
    tokens, before = part.query_length, state.position_offset
    is_prompt = before < len(state.initial_tokens)
    return state.request_id.partition("~")[0], tokens, before, is_prompt


def _step(begin: float, ms: float, had: Sequence[tuple[str, int, int, bool]]) -> Step:
    prompts = [(tokens, before) for _, tokens, before, is_prompt in had if is_prompt]
    answers = [before for _, _, before, is_prompt in had if not is_prompt]
    units: dict[str, int] = {}
    for tenant, tokens, _, is_prompt in had:
        of_part = tokens * (UNITS.input if is_prompt else UNITS.output)
        units[tenant] = units.get(tenant, 0) + of_part
    return Step(
        begin_s=begin,
        ms=ms,
        prompt_tokens=sum(tokens for tokens, _ in prompts),
        answers=len(answers),
        context=sum(answers),
        pairs=sum(tokens * (before + tokens / 2) for tokens, before in prompts),
        read=sum(tokens + before for _, tokens, before, _ in had),
        units=units,
    )


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

    def play(
        self, crowds: Sequence[Crowd], scheduler: str, *, seconds: float, seed: int
    ) -> Played:
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
            elif not self._manager.is_running():
                raise RuntimeError("the engine's thread has died: see above")

    def hear_the_rest(self) -> None:
        while (output := self._manager.get_result(timeout=0)) is not None:
            if output.request_id in self._open:
                self._open.pop(output.request_id)[0].token_s = self._times(output)

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


# Figures.


def quantile(values: Sequence[float], part: float) -> float | None:
    """The nearest-rank order statistic; None of nothing."""
    ordered = sorted(values)
    return ordered[max(math.ceil(part * len(ordered)), 1) - 1] if ordered else None


def answering(played: Played, tenant: str, *, since_s: float = 0.0) -> dict[str, Any]:
    """How one tenant's requests were answered. One that had no token when the run ended has waited so
    long at least, and counts with that if half of the others had theirs sooner."""
    records = [r for r in played.records if r.tenant == tenant and r.sent_s >= since_s]
    heard = [r.token_s[0] - r.sent_s for r in records if r.token_s]
    middle = quantile(heard, 0.5) or 0.0
    unheard = [played.seconds - r.sent_s for r in records if not r.token_s]
    waits = [*heard, *(wait for wait in unheard if wait > middle)]
    gaps = [
        b - a
        for r in played.records
        if r.tenant == tenant
        for a, b in pairwise(r.token_s)
        if b >= since_s
    ]
    return {
        "requests": len(records),
        "first_token_p50_s": quantile(waits, 0.5),
        "first_token_p99_s": quantile(waits, 0.99),
        "between_tokens_p50_s": quantile(gaps, 0.5),
        "between_tokens_p99_s": quantile(gaps, 0.99),
    }


def served(played: Played, *, since_s: float = 1.0) -> dict[str, Any]:
    """How much was computed, and how long each tenant went without while it had requests open."""
    steps = [step for step in played.steps if step.begin_s >= since_s]
    lasted = played.seconds - since_s
    return {
        "tokens_per_s": sum(step.tokens for step in steps) / lasted,
        "steps": len(steps),
        "step_p50_ms": quantile([step.ms for step in steps], 0.5),
        "step_p99_ms": quantile([step.ms for step in steps], 0.99),
        "longest_gap_s": {
            tenant: _longest_gap(played, tenant) for tenant in _tenants(played.records)
        },
    }


def fairness(played: Played, *, since_s: float = 1.0) -> dict[str, Any]:
    """Between tenants with full queues, from when the queues were full."""
    tenants = _tenants(played.records)
    steps = [step for step in played.steps if step.begin_s >= since_s]
    seconds = int(played.seconds - since_s)
    by_second = np.zeros((len(tenants), seconds))
    for step in steps:
        if (second := int(step.begin_s - since_s)) < seconds:
            for row, tenant in enumerate(tenants):
                by_second[row, second] += step.units.get(tenant, 0)
    jains = [found for second in by_second.T if (found := jain(second)) is not None]
    ratios = _over_due(played, tenants, steps, since_s)
    return {
        "jain_1s": fmean(jains) if jains else None,
        "jain_1s_min": min(jains, default=None),
        "windows": len(ratios),
        "over_due_min": min((min(window.values()) for window in ratios), default=None),
        "share": {
            tenant: sum(s.units.get(tenant, 0) for s in steps)
            / max(1, sum(sum(s.units.values()) for s in steps))
            for tenant in tenants
        },
    }


def _over_due(
    played: Played, tenants: Sequence[str], steps: Sequence[Step], since_s: float
) -> list[dict[str, float]]:
    """In windows in which all together were given ten of the longest requests each: what each received
    over what it was due, the max-min division of all that was given out."""
    longest = max(record.units_asked for record in played.records)
    edges, received, sums = [since_s], [], np.zeros(len(tenants))
    for step in steps:
        sums = sums + [step.units.get(tenant, 0) for tenant in tenants]
        if sums.sum() >= longest * LONGEST_REQUESTS * len(tenants):
            edges.append(step.begin_s)
            received.append(sums)
            sums = np.zeros(len(tenants))
    if not received:
        return []
    asked = np.zeros((len(tenants), len(received)))
    for record in played.records:
        column = max(0, sum(edge <= record.sent_s for edge in edges) - 1)
        if column < len(received):
            asked[tenants.index(record.tenant), column] += record.units_asked
    given = np.array(received).T
    owed = due(given, asked, np.ones(len(tenants)))
    return [
        {
            tenant: float(given[row, column] / owed[row, column])
            for row, tenant in enumerate(tenants)
            if owed[row, column]
        }
        for column in range(len(received))
    ]


def _longest_gap(played: Played, tenant: str) -> float:
    """The longest time in which a tenant that had a request open was served nothing."""
    ends = [
        (r.sent_s, r.token_s[-1] if len(r.token_s) == r.answer else played.seconds)
        for r in played.records
        if r.tenant == tenant
    ]
    at = [step.begin_s + step.ms / 1e3 for step in played.steps if tenant in step.units]
    longest = 0.0
    for before, after in pairwise([0.0, *at, played.seconds]):
        opened = [max(before, sent) for sent, ended in ends if sent < after and ended > before]
        if opened:
            longest = max(longest, after - min(opened))
    return longest


def _tenants(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(record.tenant for record in records))


# Scenes.


class Rounds:
    """All scenes, each with every setting in each round; figures are written as they come."""

    def __init__(self, bench: Bench, path: Path, budget_s: float) -> None:
        self.bench = bench
        self._path = path
        self._until = time.monotonic() + budget_s
        self._seed = 0
        self._steps: list[list[float]] = []
        self.document: dict[str, Any] = {
            "machine": platform.platform(),
            "device": torch.cuda.get_device_name() if bench.device == "cuda" else "CPU",
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "size": {**vars(bench.size)},
            "parameters": sum(p.numel() for p in bench.model.parameters()),
            "runs": [],
            "left_out": 0,
        }

    def run(self, scene: str, setting: str, crowds: Sequence[Crowd], seconds: float) -> Played | None:
        """None: no time is left."""
        if time.monotonic() + seconds + 3 > self._until:
            self.document["left_out"] += 1
            self.write()
            return None
        self._seed += 1
        scheduler = "fifo-watched" if setting in ("alone", "fifo") else f"{setting}-watched"
        began = time.monotonic()
        played = self.bench.play(crowds, scheduler, seconds=seconds, seed=self._seed)
        self._steps += [
            [round(s.ms, 3), s.prompt_tokens, s.answers, s.context, s.pairs, s.read]
            for s in played.steps
        ]
        print(f"{scene:10} {setting:10} {time.monotonic() - began:5.1f} s", end="  ", flush=True)
        return played

    def note(self, scene: str, setting: str, figures: Mapping[str, Any]) -> None:
        self.document["runs"].append({"scene": scene, "setting": setting, **figures})
        self.write()
        print(json.dumps(figures, default=lambda x: round(x, 4))[:240], flush=True)

    def write(self) -> None:
        every = max(1, math.ceil(len(self._steps) / _STEPS_KEPT))
        kept = {**self.document, "steps": self._steps[::every]}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(kept) + "\n")


def chat_beside_flood(rounds: Rounds, settings: Sequence[str]) -> None:
    """A short chat beside long prompts of a noisy tenant."""
    size = rounds.bench.size
    chat = Crowd(tenant="chat", clients=1, prompt=48, answer=24, think_s=0.05)
    noisy = Crowd(
        tenant="noisy", clients=size.noisy, prompt=size.noisy_prompt, answer=size.noisy_answer
    )
    for setting in ("alone", *settings):
        crowds = [chat] if setting == "alone" else [noisy, chat]
        seconds = size.seconds / 2 if setting == "alone" else size.seconds
        played = rounds.run("flood", setting, crowds, seconds)
        if played is not None:
            figures = {"chat": answering(played, "chat"), **served(played)}
            rounds.note("flood", setting, figures)


def full_queues(rounds: Rounds, settings: Sequence[str]) -> None:
    """Two tenants with full queues, one with far more clients."""
    size = rounds.bench.size
    of_request = {"prompt": size.noisy_prompt // 2, "answer": size.noisy_answer}
    crowds = [
        Crowd(tenant="many", clients=size.noisy, **of_request),
        Crowd(tenant="few", clients=max(4, size.noisy * 3 // 8), **of_request),
    ]
    for setting in settings:
        played = rounds.run("queues", setting, crowds, size.seconds)
        if played is not None:
            rounds.note("queues", setting, {**fairness(played), **served(played)})


def chats_beside_long(rounds: Rounds, settings: Sequence[str]) -> None:
    """Ten chats, and one very long prompt that comes in between."""
    size = rounds.bench.size
    chats = Crowd(tenant="chats", clients=10, prompt=48, answer=128)
    late_s = size.seconds / 8
    long = Crowd(
        tenant="long", clients=1, prompt=size.long_prompt, answer=256, from_s=late_s, think_s=0.0
    )
    for setting in ("alone", *settings):
        crowds = [chats] if setting == "alone" else [chats, long]
        played = rounds.run("long", setting, crowds, size.seconds)
        if played is not None:
            figures = {"chats": answering(played, "chats", since_s=late_s), **served(played)}
            if setting != "alone":
                figures["long"] = answering(played, "long")
            rounds.note("long", setting, figures)


def register(inter_token_ms: int | None) -> None:
    """Make the watched schedulers known, the core's with a target or without."""
    known = engine_scheduler.SCHEDULER_MAPPING
    known["fifo-watched"] = WatchedFifo
    known["fair-watched"] = partial(
        WatchedFair, settings=InEngineSettings(trust_hints=True), notes=Notes()
    )
    del inter_token_ms


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_transformers", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("gpu-transformers.json"))
    parser.add_argument("--quick", action="store_true", help="a tiny model, one short round")
    parser.add_argument("--seconds", type=float, default=255.0, help="for all of it, at most")
    chosen = parser.parse_args()
    logging.getLogger("ContinuousBatchingLogger").setLevel(logging.CRITICAL)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not chosen.quick:
        sys.exit("There is no GPU. --quick has a look with a tiny model.")
    if device == "cpu":
        torch.set_num_threads(1)
    began = time.monotonic()
    bench = Bench(QUICK if chosen.quick else WHOLE, device)
    rounds = Rounds(bench, chosen.json, chosen.seconds - (time.monotonic() - began))
    print(f"{rounds.document['device']}, {rounds.document['parameters']:,} parameters", flush=True)
    register(None)
    rounds.run("warm", "fifo", [Crowd(tenant="warm", clients=8, prompt=400, answer=8)], 2.0)
    print(flush=True)
    for _ in range(bench.size.rounds):
        chat_beside_flood(rounds, ("fifo", "fair"))
        chats_beside_long(rounds, ("fifo", "fair"))
        full_queues(rounds, ("fifo", "fair"))
    rounds.write()
    print(f"{time.monotonic() - began:.0f} s in all; {chosen.json}")


if __name__ == "__main__":
    main()
