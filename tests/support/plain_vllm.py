"""A vLLM-like engine step by step, as plainly as can be: what the coalescing one is compared with."""

from dataclasses import dataclass, field

from evenhand.model import EngineName
from evenhand.sim.engine.prefix_cache.node import Path
from evenhand.sim.engine.protocol import IDLE, Engine, WorkSource
from evenhand.sim.job import NEVER, Job
from evenhand.sim.profile import EngineProfile
from evenhand.workloads.ask import Ask, Segment
from support.single_blocks import Holding, SingleBlocks


@dataclass(eq=False)
class Plain:
    job: Job
    prompt: Path
    answer: int | None
    produced: int = 0
    computed: int = 0
    chunk: int = 0
    was_here: bool = False
    is_gone: bool = False
    decodes: bool = False
    """Whether its next token follows one that it produced since it was admitted."""
    holding: Holding = field(default_factory=Holding)

    @property
    def tokens(self) -> int:
        return self.job.ask.input_tokens + self.produced

    def path(self, tokens: int) -> Path:
        """Of so many of its tokens."""
        answered = tokens - self.job.ask.input_tokens
        if answered <= 0 or self.answer is None:
            return self.prompt
        return (*self.prompt, Segment(self.answer, answered))


class PlainVllm:
    def __init__(self, name: EngineName, profile: EngineProfile, source: WorkSource) -> None:
        self.name = name
        self.boundary_ms = IDLE
        self.slowdown = 1.0
        self.steps = self.preemptions = self.prompt_tokens = self.cached_tokens = 0
        self.profile, self.source = profile, source
        self.cache = SingleBlocks(profile.kv_tokens // profile.block_tokens, profile.block_tokens)
        self.kv_tokens_total = profile.kv_tokens // profile.block_tokens * profile.block_tokens
        self.batch: list[Plain] = []
        self.preempted: list[Plain] = []
        self.gone: list[Plain] = []
        self.is_working = False
        self.made_up = -1

    def wake(self, now_ms: float) -> None:
        if not self.is_working:
            self.boundary_ms = now_ms

    def advance(self) -> list[Job]:
        now_ms, self.boundary_ms = self.boundary_ms, IDLE
        ended = self.end_step(now_ms) if self.is_working else []
        budget, is_short = self.continue_all()
        if not is_short:
            self.admit(now_ms, budget)
        self.begin_step(now_ms)
        return ended

    def running(self) -> list[Job]:
        return [s.job for s in (*self.batch, *self.preempted) if not s.is_gone]

    def bring_up(self, now_ms: float) -> None:
        for s in self.batch:
            if self.is_working and now_ms >= self.boundary_ms and s.computed + s.chunk == s.tokens:
                s.job.produced = s.produced + 1
                if s.job.first_token_ms == NEVER:
                    s.job.first_token_ms = self.boundary_ms
            else:
                s.job.produced = s.produced

    def drop(self, job: Job, now_ms: float) -> None:
        self.preempted = [s for s in self.preempted if s.job is not job]
        for s in self.batch:
            if s.job is job:
                s.is_gone = True
                self.gone.append(s)

    def slow_down(self, factor: float, now_ms: float) -> None:
        self.slowdown = factor

    def fail(self) -> list[Job]:
        jobs = self.running()
        self.batch, self.preempted, self.gone, self.is_working = [], [], [], False
        self.cache = SingleBlocks(self.kv_tokens_total // self.cache.size, self.cache.size)
        self.boundary_ms = IDLE
        return jobs

    def takes(self, ask: Ask) -> bool:
        return ask.input_tokens + ask.output_tokens <= self.kv_tokens_total

    def kv_tokens_used(self) -> int:
        return self.kv_tokens_total - self.cache.idle * self.cache.size

    def end_step(self, now_ms: float) -> list[Job]:
        self.steps += 1
        ended = []
        for s in self.batch:
            s.computed += s.chunk
            if s.computed == s.tokens and not s.is_gone:
                s.produced += 1
                s.decodes = True
                if s.job.first_token_ms == NEVER:
                    s.job.first_token_ms = now_ms
                if s.produced == s.job.ask.output_tokens:
                    s.job.produced = s.produced
                    ended.append(s)
        for s in (*self.gone, *ended):
            self.let_go(s)
        self.gone = []
        return [s.job for s in ended]

    def let_go(self, s: Plain) -> None:
        self.batch.remove(s)
        known = s.computed if s.answer is not None else min(s.computed, s.job.ask.input_tokens)
        if s.prompt:
            self.cache.share(s.holding, s.path(s.computed), known)
        self.cache.release(s.holding)
        s.holding = Holding()

    def continue_all(self) -> tuple[int, bool]:
        """Those that run already, in order of admission. Tokens left, whether somebody was preempted."""
        budget, is_short, number = self.profile.step_tokens_max, False, 0
        while number < len(self.batch):
            s = self.batch[number]
            chunk = min(budget, s.tokens - s.computed)
            blocks = -(-(s.computed + chunk) // self.cache.size) - len(s.holding.blocks)
            while blocks > self.cache.idle and s in self.batch:
                self.preempt(self.batch[-1])
                is_short = True
            if s not in self.batch:
                break
            self.cache.grow(s.holding, blocks)
            self.schedule(s, chunk)
            budget -= chunk
            number += 1
        return budget, is_short

    def preempt(self, s: Plain) -> None:
        s.job.produced = s.produced
        s.job.preemptions += 1
        self.preemptions += 1
        if self.profile.prefix_cache:
            if not s.prompt:
                s.prompt = (self.make_up(s.job.ask.input_tokens),)
            if s.answer is None:
                s.answer = self.make_up(0).content
        self.let_go(s)
        s.computed, s.chunk, s.decodes = 0, 0, False
        self.preempted.insert(0, s)

    def make_up(self, tokens: int) -> Segment:
        self.made_up -= 1
        return Segment(self.made_up, tokens)

    def admit(self, now_ms: float, budget: int) -> None:
        while budget and len(self.batch) < self.profile.sequences_max:
            job = self.source.head(now_ms)
            if self.preempted:
                s = self.preempted[0]
            elif job is None:
                return
            else:
                remembers = self.profile.prefix_cache and job.ask.prompt
                s = Plain(job, job.ask.prompt if remembers else (), None)
                s.answer = job.ask.output_content if remembers else None
            holding = self.cache.seat(s.path(s.tokens), s.tokens)
            if holding is None:
                return
            s.holding, s.computed = holding, holding.shared * self.cache.size
            if s.was_here:
                self.preempted.pop(0)
            else:
                assert self.source.take(now_ms) is job
                s.job.cached_tokens = s.computed
                self.prompt_tokens += s.tokens
                self.cached_tokens += s.computed
            s.was_here = True
            self.batch.append(s)
            chunk = min(budget, s.tokens - s.computed)
            self.schedule(s, chunk)
            budget -= chunk

    def schedule(self, s: Plain, chunk: int) -> None:
        s.chunk = chunk
        if s.prompt and not s.decodes and s.computed + chunk == s.tokens:
            self.cache.share(s.holding, s.path(s.tokens), s.tokens)

    def begin_step(self, now_ms: float) -> None:
        self.is_working = bool(self.batch)
        if not self.is_working:
            self.boundary_ms = IDLE
            return
        tokens = requests = context = 0
        pairs = 0.0
        for s in self.batch:
            tokens += s.chunk
            if s.decodes:
                requests += 1
                context += s.computed
            else:
                pairs += s.chunk * (s.computed + s.chunk / 2)
        step_ms = self.profile.step.step_ms(tokens, requests, context, pairs)
        self.boundary_ms = now_ms + step_ms * self.slowdown


_: type[Engine] = PlainVllm
