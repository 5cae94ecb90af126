"""The sequences that decode, kept as sums that steps do not change.

A sequence that has produced as many tokens as steps were done since its `zero` has computed
input + done - zero - 1 tokens. So the contexts of all sum up to a constant plus one for each of them
and step; and each needs a block when its tokens fill the last one, which depends on `done` modulo the
block's size alone: a counter for each residue tells how many blocks any stretch of steps takes.
"""

from heapq import heappop, heappush

from evenhand.sim.engine.vllm.sequence import Sequence
from evenhand.sim.job import Job


class Batch:
    """`jobs` in order of admission, without those whose clients have left. `size` counts these too."""

    def __init__(self, block_tokens: int) -> None:
        self.jobs: dict[Job, Sequence] = {}
        self.size = 0
        self._block = block_tokens
        self._age = 0  # of all: the sum of their tokens if no step had been done
        self._needs = [0] * block_tokens  # who needs a block when `done` has that residue
        self._ends: list[tuple[int, int, Sequence]] = []  # bounded by the admissions under way

    def join(self, sequence: Sequence, done: int) -> None:
        """Its last tokens are computed in the step that begins after `done`; from the next on it
        decodes."""
        job = sequence.job
        sequence.zero = done - job.produced
        sequence.end = sequence.zero + job.ask.output_tokens
        self.jobs[job] = sequence
        age = job.ask.input_tokens - sequence.zero - 1
        self.size += 1
        self._age += age
        self._needs[-age % self._block] += 1
        heappush(self._ends, (sequence.end, sequence.number, sequence))

    def part(self, sequence: Sequence) -> None:
        """It decodes no more; `jobs` may have lost it before."""
        self.jobs.pop(sequence.job, None)
        sequence.end = -1
        age = sequence.job.ask.input_tokens - sequence.zero - 1
        self.size -= 1
        self._age -= age
        self._needs[-age % self._block] -= 1

    def context(self, done: int) -> int:
        """Tokens that all have computed."""
        return self._age + self.size * done

    def computed(self, sequence: Sequence, done: int) -> int:
        """Tokens that one has computed."""
        return sequence.job.ask.input_tokens + done - sequence.zero - 1

    def next_end(self) -> int | None:
        """With which step the next of them ends."""
        ends = self._ends
        while ends and ends[0][2].end != ends[0][0]:
            heappop(ends)
        return ends[0][0] if ends else None

    def ended(self, done: int) -> list[Sequence]:
        """Those that end with this step, in order of admission."""
        ended: list[Sequence] = []
        ends = self._ends
        while ends and ends[0][0] <= done:
            end, _, sequence = heappop(ends)
            if sequence.end == end:
                self.part(sequence)
                ended.append(sequence)
        return ended

    def needs(self, done: int) -> int:
        """Blocks that the step after `done` takes."""
        return self._needs[done % self._block]

    def needs_over(self, done: int, steps: int) -> int:
        """Blocks that so many steps after `done` take."""
        rounds, rest = divmod(steps, self._block)
        begin = done % self._block
        end = begin + rest
        blocks = sum(self._needs[begin:end])
        if end > self._block:
            blocks += sum(self._needs[: end - self._block])
        return rounds * self.size + blocks

    def steps_within(self, done: int, blocks: int, steps_max: int) -> int:
        """How many steps after `done` take no more blocks, `steps_max` at most."""
        if self.size * (steps_max // self._block + 1) <= blocks:
            return steps_max  # as they are, whoever needs some
        if self.needs_over(done, steps_max) <= blocks:
            return steps_max
        rounds = blocks // self.size
        steps, blocks = rounds * self._block, blocks - rounds * self.size
        while (needed := self.needs(done + steps)) <= blocks:
            blocks -= needed
            steps += 1
        return steps

    def clear(self) -> None:
        self.jobs.clear()
        self._ends.clear()
        self._needs = [0] * self._block
        self.size = self._age = 0
