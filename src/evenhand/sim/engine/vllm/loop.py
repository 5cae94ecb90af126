"""The loop of a vLLM-like engine: as many steps at once as nobody could tell apart.

A plan is a run of steps in which nobody comes, goes or wants for memory: at most one step that computes
prompts, then steps that are alike but for their age. At a boundary the plan is followed up to there;
then the engine looks at what has ended and who may come, and goes on with the plan or makes a new one.
"""

from collections import deque
from collections.abc import Collection

from evenhand.model import EngineName
from evenhand.sim.engine.prefix_cache.cache import Forgotten
from evenhand.sim.engine.prefix_cache.node import Path
from evenhand.sim.engine.protocol import IDLE, Engine, WorkSource
from evenhand.sim.engine.vllm.batch import Batch
from evenhand.sim.engine.vllm.memory import Memory
from evenhand.sim.engine.vllm.sequence import Sequence
from evenhand.sim.engine.vllm.step_times import StepTimes
from evenhand.sim.engine.vllm.stretch import Stretch
from evenhand.sim.job import NEVER, Job
from evenhand.sim.profile import EngineProfile
from evenhand.workloads.ask import Ask


class VllmLoop:
    """Chunked prefill within the token budget of a step, decodes first; the head is admitted while its
    prompt fits. `coalesce=False`: a boundary after every step."""

    def __init__(
        self, name: EngineName, profile: EngineProfile, source: WorkSource, *, coalesce: bool = True
    ) -> None:
        self.name = name
        self.boundary_ms = IDLE
        self.slowdown = 1.0
        self.steps = self.preemptions = self.prompt_tokens = self.cached_tokens = 0
        self._times = StepTimes(profile.step)
        self._budget = profile.step_tokens_max
        self._seats = min(profile.sequences_max, profile.step_tokens_max)
        self._source = source
        self._coalesce = coalesce
        self._memory = Memory(profile)
        self.kv_tokens_total = self._memory.cache.blocks * profile.block_tokens
        self._batch = Batch(profile.block_tokens)
        self._partial: Sequence | None = None  # its prompt takes more than one step
        self._preempted: deque[Sequence] = deque()  # bounded by the seats
        self._gone: list[Sequence] = []
        self._head: Sequence | None = None  # of the source, if it did not fit
        self._admissions = 0
        # The plan: steps `_begin` to `_end`, of which the next boundary is after `_target`.
        self._begin = self._end = self._target = 0
        self._stretch: Stretch | None = None
        self._fresh: list[Sequence] = []  # their first tokens come with the plan's first step
        self._chunk = 0  # of `_partial` in each step of the plan after the first
        self._first_chunk = 0
        self._claimed = 0  # steps that have their blocks
        self._tells: Forgotten | None = None
        self._forgot: list[
            tuple[Path, int]
        ] = []  # bounded by what is admitted between two tellings
        self._brought_up = 0
        self._must_look = False
        self._is_changed = True

    # The seam.

    def takes(self, ask: Ask) -> bool:
        return ask.input_tokens + ask.output_tokens <= self.kv_tokens_total

    def wake(self, now_ms: float) -> None:
        if self._stretch is None:
            self.boundary_ms = now_ms
        else:
            self._look_soon(now_ms)

    def advance(self) -> list[Job]:
        now_ms = self.boundary_ms
        ended = self._follow()
        is_short = self._make_room()
        batch, partial = self._batch, self._partial
        budget = self._budget - batch.size
        chunks: list[tuple[Sequence, int]] = []
        if partial is not None and (self._is_changed or self.steps == self._end):
            budget -= self._compute(partial, min(budget, partial.target - partial.computed), chunks)
        elif partial is not None:
            budget = 0
        self._admit(now_ms, 0 if is_short else budget, chunks)
        if chunks or self._is_changed or self.steps == self._end:
            self._plan(now_ms, chunks)
        if self._stretch is None:
            self.boundary_ms = IDLE
            return ended
        leaps = self._coalesce and (not self._must_look or self._partial is not None)
        self._target = self._end if leaps else self.steps + 1
        self.boundary_ms = self._stretch.end_ms(self._target)
        return ended

    def tell_forgotten(self, forgotten: Forgotten) -> None:
        """Whenever the engine is brought up from now on, say what its prefix cache has forgotten since,
        for want of room."""
        self._tells = forgotten
        self._memory.cache.forgotten = self._note_forgotten

    def running(self) -> Collection[Job]:
        jobs = self._batch.jobs
        if self._partial is None and not self._preempted:
            return jobs.keys()
        others = [] if self._partial is None else [self._partial]
        return [*jobs, *(s.job for s in (*others, *self._preempted) if not s.is_gone)]

    def bring_up(self, now_ms: float) -> None:
        if (stretch := self._stretch) is not None:
            done = min(max(stretch.done_at(now_ms), self.steps), self._target)
            if self._tells is not None:
                # The step that began before that moment, if one did, has its blocks.
                begun = done if stretch.end_ms(done) == now_ms else done + 1
                self._claim(min(begun, self._target))
            if done != self._brought_up:
                self._brought_up = done
                for job, sequence in self._batch.jobs.items():
                    job.produced = done - sequence.zero
                if self._fresh and done > self._begin:
                    self._note_first_tokens()
        if self._forgot:
            assert self._tells is not None
            forgot, self._forgot = self._forgot, []
            for path, tokens in forgot:
                self._tells(path, tokens)

    def drop(self, job: Job, now_ms: float) -> None:
        sequence = self._batch.jobs.pop(job, None)
        if sequence is None and self._partial is not None and self._partial.job is job:
            sequence = self._partial
        if sequence is not None:
            sequence.is_gone = True
            self._gone.append(sequence)
        else:
            self._preempted.remove(next(s for s in self._preempted if s.job is job))
        self._look_soon(now_ms)

    def slow_down(self, factor: float, now_ms: float) -> None:
        self.slowdown = factor
        self._is_changed = True
        if self._stretch is not None:
            self._look_soon(now_ms)

    def fail(self) -> list[Job]:
        jobs = list(self.running())
        self._batch.clear()
        self._partial = self._stretch = self._head = None
        self._preempted.clear()
        self._gone.clear()
        self._fresh.clear()
        self._memory.cache.clear()
        self._forgot.clear()
        self.steps = max(self.steps, self._brought_up)
        self._begin = self._end = self._target = self.steps
        self._is_changed = True
        self.boundary_ms = IDLE
        return jobs

    def kv_tokens_used(self) -> int:
        cache = self._memory.cache
        begun = min(max(self.steps, self._brought_up) + 1, self._target)
        to_claim = self._batch.needs_over(self._claimed, max(0, begun - self._claimed))
        return (cache.blocks - cache.idle + to_claim) * self._memory.block_tokens

    # What was planned.

    def _look_soon(self, now_ms: float) -> None:
        """Bring the boundary forward to the end of the step under way."""
        assert self._stretch is not None
        done = max(self._stretch.done_at(now_ms), self.steps) + 1
        if done < self._target:
            self._target = done
            self.boundary_ms = self._stretch.end_ms(done)

    def _follow(self) -> list[Job]:
        """Do the steps up to the boundary. Those that end there."""
        batch, before, done = self._batch, self.steps, self._target
        if done == before:
            return []
        self._claim(done)
        self.steps = done
        if self._fresh:
            self._note_first_tokens()
        if self._partial is not None:
            first = self._first_chunk if before == self._begin else self._chunk
            self._partial.computed += first + self._chunk * (done - before - 1)
        if self._gone:
            self._let_go()
        ended = []
        for sequence in batch.ended(done):
            job = sequence.job
            self._memory.release(sequence, batch.computed(sequence, done))
            job.produced = job.ask.output_tokens
            ended.append(job)
        if ended:
            self._is_changed = True
        return ended

    def _let_go(self) -> None:
        """Those whose clients have left were in the steps so far and are in no later one."""
        for sequence in self._gone:
            if sequence is self._partial:
                self._memory.release(sequence, sequence.computed)
                self._partial = None
            else:
                self._memory.release(sequence, self._batch.computed(sequence, self.steps))
                self._batch.part(sequence)
        self._gone.clear()
        self._is_changed = True

    def _note_forgotten(self, path: Path, tokens: int) -> None:
        self._forgot.append((path, tokens))

    def _note_first_tokens(self) -> None:
        assert self._stretch is not None
        now_ms = self._stretch.end_ms(self._begin + 1)
        for sequence in self._fresh:
            if sequence.job.first_token_ms == NEVER and not sequence.is_gone:
                sequence.job.first_token_ms = now_ms
        self._fresh.clear()

    # Memory.

    def _make_room(self) -> bool:
        """Take the blocks that decodes need for the next step. Whether somebody was preempted."""
        batch, cache, done = self._batch, self._memory.cache, self.steps
        is_short = False
        while (needed := batch.needs(done)) > cache.idle:
            self._preempt()
            is_short = self._is_changed = True
        if needed:
            cache.take(needed)
        self._claimed = done + 1
        return is_short

    def _claim(self, done: int) -> None:
        """Take the blocks of all steps of the plan up to that one; there are enough, see `_plan`."""
        if done > self._claimed:
            if blocks := self._batch.needs_over(self._claimed, done - self._claimed):
                self._memory.cache.take(blocks)
            self._claimed = done

    def _preempt(self) -> None:
        """The sequence that was admitted last loses its memory and waits before all others."""
        sequence = self._partial
        if sequence is None:
            sequence = next(reversed(self._batch.jobs.values()))
            sequence.job.produced = self.steps - sequence.zero
            self._memory.release_for_now(sequence, self._batch.computed(sequence, self.steps))
            self._batch.part(sequence)
        else:
            self._memory.release_for_now(sequence, sequence.computed)
            self._partial = None
        sequence.job.preemptions += 1
        self.preemptions += 1
        self._preempted.appendleft(sequence)

    # Who comes.

    def _admit(self, now_ms: float, budget: int, chunks: list[tuple[Sequence, int]]) -> None:
        """Let in who waits, in order, while there are tokens, seats and memory for the next one."""
        seated = self._batch.size + len(chunks)
        self._must_look = False
        while (sequence := self._next(now_ms)) is not None:
            if not budget:
                self._must_look = True
                return
            if seated >= self._seats:
                return
            if not self._memory.seat(sequence):
                self._must_look = self._source.head_may_change and not self._preempted
                return
            self._take(sequence, now_ms)
            chunk = min(budget, sequence.target - sequence.computed)
            budget -= self._compute(sequence, chunk, chunks)
            seated += 1

    def _next(self, now_ms: float) -> Sequence | None:
        """Who is to be admitted next."""
        if self._preempted:
            return self._preempted[0]
        job = self._source.head(now_ms)
        if job is None:
            return None
        if self._head is None or self._head.job is not job:
            assert self.takes(job.ask)
            self._head = Sequence(job)
            self._memory.meet(self._head)
        return self._head

    def _take(self, sequence: Sequence, now_ms: float) -> None:
        """It has its memory and belongs to the engine."""
        self._admissions += 1
        if sequence.number:
            self._preempted.popleft()
        else:
            job = self._source.take(now_ms)
            self._head = None
            job.cached_tokens = sequence.computed
            self.prompt_tokens += job.ask.input_tokens
            self.cached_tokens += sequence.computed
        sequence.number = self._admissions

    def _compute(self, sequence: Sequence, chunk: int, chunks: list[tuple[Sequence, int]]) -> int:
        """The next step computes so many tokens of its target."""
        if sequence.computed + chunk == sequence.target:
            self._memory.share(sequence)
        chunks.append((sequence, chunk))
        return chunk

    # What comes next.

    def _plan(self, now_ms: float, chunks: list[tuple[Sequence, int]]) -> None:
        """For all steps until somebody ends, or a prompt is nearly done, or memory is short."""
        batch, times, done = self._batch, self._times, self.steps
        self._begin, self._is_changed = done, False
        self._partial, self._chunk = None, 0
        if chunks:
            tokens, requests, context, pairs = batch.size, batch.size, batch.context(done), 0.0
            for sequence, chunk in chunks:
                tokens += chunk
                pairs += chunk * (sequence.computed + chunk / 2)
                if sequence.computed + chunk == sequence.target:
                    batch.join(sequence, done)
                    self._fresh.append(sequence)
                else:
                    self._partial, self._first_chunk = sequence, chunk
            now_ms += times.step_ms(tokens, requests, context, pairs) * self.slowdown
            done += 1
        if not batch.size and self._partial is None:
            self._stretch = None
            self._end = self._target = self.steps
            return
        size, pairs, grows_ms, steps_max = batch.size, 0.0, times.c_kv_ms * batch.size, 1 << 40
        if (partial := self._partial) is not None:
            chunk = self._chunk = self._budget - size
            computed = partial.computed + self._first_chunk
            pairs = chunk * (computed + chunk / 2)
            grows_ms += times.c_a_ms * chunk * chunk
            # The last chunk leaves room for others, so it is planned when it comes.
            steps_max = (partial.target - computed - 1) // chunk
        step_ms = times.step_ms(size + self._chunk, size, batch.context(done), pairs)
        self._stretch = Stretch(done, now_ms, step_ms * self.slowdown, grows_ms * self.slowdown)
        if (end := batch.next_end()) is not None:
            steps_max = min(steps_max, end - done)
        begin = self._begin + 1  # blocks of the first step are taken
        self._end = begin + batch.steps_within(
            begin, self._memory.cache.idle, done + steps_max - begin
        )


_: type[Engine] = VllmLoop
