"""The loop of a vLLM-like engine, one step at a time."""

from evenhand.model import EngineName
from evenhand.sim.engine.protocol import IDLE, Engine, WorkSource
from evenhand.sim.job import NEVER, Job
from evenhand.sim.profile import EngineProfile


class _Sequence:
    __slots__ = ("computed", "job")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.computed = 0


class VllmLoop:
    """Chunked prefill within the token budget of a step; a head is admitted while its prompt fits."""

    def __init__(self, name: EngineName, profile: EngineProfile, source: WorkSource) -> None:
        self.name = name
        self.boundary_ms = IDLE
        self.slowdown = 1.0
        self.steps = self.preemptions = self.prompt_tokens = self.cached_tokens = 0
        self._profile = profile
        self._source = source
        self._sequences: dict[Job, _Sequence] = {}
        self._chunks: list[tuple[_Sequence, int]] = []
        self._is_working = False

    def wake(self, now_ms: float) -> None:
        if not self._is_working:
            self.boundary_ms = now_ms

    def advance(self) -> list[Job]:
        now_ms = self.boundary_ms
        ended = self._finish(now_ms) if self._is_working else []
        self._admit(now_ms)
        self._begin(now_ms)
        return ended

    def running(self) -> dict[Job, _Sequence]:
        return self._sequences

    def bring_up(self, now_ms: float) -> None:
        """Every step ends with a boundary here, so all is known."""

    def drop(self, job: Job, now_ms: float) -> None:
        del now_ms
        self._sequences.pop(job, None)

    def fail(self) -> list[Job]:
        jobs = list(self._sequences)
        self._sequences.clear()
        self._chunks.clear()
        self._is_working, self.boundary_ms = False, IDLE
        return jobs

    def kv_tokens_used(self) -> int:
        return sum(s.computed for s in self._sequences.values())

    def _finish(self, now_ms: float) -> list[Job]:
        ended = []
        for sequence, tokens in self._chunks:
            job = sequence.job
            if job not in self._sequences:
                continue
            sequence.computed += tokens
            if sequence.computed < job.ask.input_tokens:
                continue
            job.produced += 1
            if job.first_token_ms == NEVER:
                job.first_token_ms = now_ms
            if job.produced == job.ask.output_tokens:
                ended.append(job)
                del self._sequences[job]
        return ended

    def _admit(self, now_ms: float) -> None:
        profile = self._profile
        while len(self._sequences) < profile.sequences_max:
            job = self._source.head(now_ms)
            if job is None or self.kv_tokens_used() + job.ask.input_tokens > profile.kv_tokens:
                return
            self._sequences[self._source.take(now_ms)] = _Sequence(job)
            self.prompt_tokens += job.ask.input_tokens

    def _begin(self, now_ms: float) -> None:
        budget, self._chunks = self._profile.step_tokens_max, []
        requests = context = 0
        pairs = 0.0
        for sequence in self._sequences.values():
            left = sequence.job.ask.input_tokens + sequence.job.produced - sequence.computed
            tokens = min(left, budget)
            if not tokens:
                continue
            if sequence.job.produced:
                requests, context = requests + 1, context + sequence.computed
            else:
                pairs += tokens * (sequence.computed + tokens / 2)
            budget -= tokens
            self._chunks.append((sequence, tokens))
        self._is_working = bool(self._chunks)
        if not self._is_working:
            self.boundary_ms = IDLE
            return
        self.steps += 1
        tokens = self._profile.step_tokens_max - budget
        step_ms = self._profile.step.step_ms(tokens, requests, context, pairs)
        self.boundary_ms = now_ms + step_ms * self.slowdown


_: type[Engine] = VllmLoop
