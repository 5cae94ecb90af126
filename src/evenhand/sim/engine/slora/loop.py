"""The loop of an engine like S-LoRA's router.

A prefill runs apart and pauses all decoding. Room for new requests is looked for when nothing runs, and
after every ten decode steps; if there is none, after each further step until there is. A request comes
in if the cache could never overflow although every answer gets as long as it will, and if the prompts of
this prefill stay within its limit; nobody is let past the head. Nothing is preempted or cached.

Steps between two such looks are taken at once. A look that cannot succeed is skipped too: where the head
that did not fit stays the head, or not even the least of what waits would fit.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection

from evenhand.model import EngineName
from evenhand.sim.engine.protocol import IDLE, Engine, WorkSource
from evenhand.sim.engine.slora.batch import Batch, Member
from evenhand.sim.job import Job
from evenhand.sim.profile import EngineProfile
from evenhand.workloads.ask import Ask

STEPS_BETWEEN_LOOKS = 10
_NO_LIMIT = 1 << 60

Lengths = tuple[int, int]
"""Tokens of input and of output."""


class SloraLoop:
    """`least` tells lengths that no waiting request is below, in either. `stretch_steps_max` 1 takes
    one step at a time and looks whenever it may, to check that skipping changes nothing."""

    def __init__(
        self,
        name: EngineName,
        profile: EngineProfile,
        source: WorkSource,
        *,
        least: Callable[[], Lengths] = lambda: (1, 1),
        stretch_steps_max: int = _NO_LIMIT,
    ) -> None:
        self.name = name
        self.boundary_ms = IDLE
        self.steps = self.preemptions = self.prompt_tokens = self.cached_tokens = 0
        self.kv_tokens_total = profile.kv_tokens - profile.tenant_tokens - 1
        self._profile = profile
        self._slowdown = 1.0
        self._source = source
        self._least = least
        self._stretch_steps_max = stretch_steps_max
        self._batch = Batch()
        self._members: dict[Job, Member] = {}
        self._prefilling: list[Member] = []
        self._ends_ms: list[float] = []  # of the steps under way
        self._ended = 0  # of these, as of the last time it was brought up
        self._is_prefill = False  # the step under way
        self._left_waiting: Lengths | None = None  # the head that did not fit
        self._step = 0
        self._since_look = 0

    def takes(self, ask: Ask) -> bool:
        tokens = ask.input_tokens + ask.output_tokens
        return tokens <= self.kv_tokens_total and ask.input_tokens <= self._profile.step_tokens_max

    def wake(self, now_ms: float) -> None:
        if not self._ends_ms:
            self.boundary_ms = now_ms
            return
        # Only a stretch is ever cut: a prefill is one step.
        del self._ends_ms[bisect_right(self._ends_ms, now_ms) + 1 :]
        self.boundary_ms = self._ends_ms[-1]

    def advance(self) -> list[Job]:
        now_ms = self.boundary_ms
        ended = self._finish()
        if self._since_look >= STEPS_BETWEEN_LOOKS or not self._batch:
            self._look(now_ms)
        if self._prefilling:
            self._begin_prefill(now_ms)
        elif self._batch:
            self._begin_stretch(now_ms)
        else:
            self.boundary_ms = IDLE
        return ended

    def running(self) -> Collection[Job]:
        return self._members

    def bring_up(self, now_ms: float) -> None:
        self._ended = bisect_right(self._ends_ms, now_ms)
        if self._is_prefill:
            if self._ended:
                self._note_first_tokens()
            return  # nobody else produces
        step = self._step + self._ended
        for member in self._batch.members:
            job = member.job
            job.produced = job.ask.output_tokens - member.end + step

    def drop(self, job: Job, now_ms: float) -> None:
        member = self._members.pop(job)
        self._batch.remove(member)
        if member in self._prefilling:
            self._prefilling.remove(member)
        self.wake(now_ms)

    def slow_down(self, factor: float, now_ms: float) -> None:
        self._slowdown = factor
        if self._ends_ms:
            self.wake(now_ms)

    def fail(self) -> list[Job]:
        jobs = list(self._members)
        self.steps += self._ended
        self._ended = 0
        self._members.clear()
        self._batch = Batch()
        self._prefilling.clear()
        self._ends_ms.clear()
        self._is_prefill, self.boundary_ms = False, IDLE
        return jobs

    def kv_tokens_used(self) -> int:
        return self._batch.tokens(self._step)

    # A boundary.

    def _finish(self) -> list[Job]:
        """The steps under way are over."""
        self.steps += len(self._ends_ms)
        if self._is_prefill:
            self._is_prefill = False
            self._note_first_tokens()
            for member in self._prefilling:
                self._batch.remove(member)
                member.end -= 1
                self._batch.add(member)
            self._prefilling.clear()
        else:
            self._step += len(self._ends_ms)
            self._since_look += len(self._ends_ms)
        self._ends_ms.clear()
        self._ended = 0
        ended = [member.job for member in self._batch.take_ended(self._step)]
        for job in ended:
            job.produced = job.ask.output_tokens
            del self._members[job]
        return ended

    def _note_first_tokens(self) -> None:
        for member in self._prefilling:
            member.job.produced, member.job.first_token_ms = 1, self.boundary_ms

    def _look(self, now_ms: float) -> None:
        """Take what fits."""
        profile, batch = self._profile, self._batch
        left, self._left_waiting = profile.step_tokens_max, None
        while len(batch) < profile.sequences_max:
            job = self._source.head(now_ms)
            if job is None:
                self._left_waiting = None
                return
            ask = job.ask
            assert self.takes(ask)
            self._left_waiting = ask.input_tokens, ask.output_tokens
            if ask.input_tokens > left:
                return
            room = self._room(len(batch.tenants) + (ask.tenant not in batch.tenants))
            if batch.peak_with(ask.input_tokens, ask.output_tokens, self._step) >= room:
                return
            left -= ask.input_tokens
            self._take(self._source.take(now_ms))

    def _take(self, job: Job) -> None:
        member = self._members[job] = Member(job, self._step)
        self._batch.add(member)
        self._prefilling.append(member)
        self.prompt_tokens += job.ask.input_tokens

    def _room(self, tenants: int) -> int:
        return self._profile.kv_tokens - tenants * self._profile.tenant_tokens

    def _begin_prefill(self, now_ms: float) -> None:
        self._since_look, self._is_prefill = 0, True
        tokens = sum(member.job.ask.input_tokens for member in self._prefilling)
        step_ms = self._profile.step.prefill_apart_ms(tokens, len(self._prefilling))
        self._ends_ms.append(now_ms + step_ms * self._slowdown)
        self.boundary_ms = self._ends_ms[-1]

    def _begin_stretch(self, now_ms: float) -> None:
        batch, decode_ms = self._batch, self._profile.step.decode_apart_ms
        requests, tokens, ends_ms = len(batch), batch.tokens(self._step), self._ends_ms
        for _ in range(self._stretch_steps()):
            now_ms += decode_ms(requests, tokens) * self._slowdown
            ends_ms.append(now_ms)
            tokens += requests
        self.boundary_ms = now_ms

    def _stretch_steps(self) -> int:
        """Until something could come of a look, or an answer ends. Arrivals cut it short."""
        batch = self._batch
        steps = min(batch.members[-1].end - self._step, self._stretch_steps_max)
        if self._since_look < STEPS_BETWEEN_LOOKS:
            return min(steps, STEPS_BETWEEN_LOOKS - self._since_look)
        if self._left_waiting is None or len(batch) >= self._profile.sequences_max:
            return steps
        lengths = self._least() if self._source.head_may_change else self._left_waiting
        room = self._room(len(batch.tenants))
        fits = batch.first_fit(*lengths, room, self._step + 1, self._step + steps)
        return fits - self._step


_: type[Engine] = SloraLoop
