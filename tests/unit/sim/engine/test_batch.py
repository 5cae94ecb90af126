"""The sums that stand for the sequences that decode."""

import random

from evenhand.sim.engine.vllm.batch import Batch
from evenhand.sim.engine.vllm.sequence import Sequence
from evenhand.sim.job import Job
from evenhand.workloads.ask import Ask

BLOCK = 16


def sequence(number: int, input_tokens: int, output_tokens: int) -> Sequence:
    ask = Ask(
        id=number,
        at_ms=0.0,
        tenant=("t",),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )
    made = Sequence(Job(ask, 0.0))
    made.number = number
    return made


def blocks(tokens: int) -> int:
    return -(-tokens // BLOCK)


def test_sums_are_what_one_counts_sequence_by_sequence() -> None:
    rng = random.Random(3)
    batch, running, number = Batch(BLOCK), [], 0
    for before in range(400):
        for _ in range(rng.randint(0, 2)):
            number += 1
            running.append(sequence(number, rng.randint(1, 70), rng.randint(1, 60)))
            batch.join(running[-1], before)
        done = before + 1
        ended = batch.ended(done)
        assert ended == [s for s in running if s.zero + s.job.ask.output_tokens == done]
        running = [s for s in running if s not in ended]
        if running and rng.random() < 0.2:
            batch.part(running.pop(rng.randrange(len(running))))
        contexts = [s.job.ask.input_tokens + done - s.zero - 1 for s in running]
        assert batch.size == len(running)
        assert list(batch.jobs.values()) == running
        assert batch.context(done) == sum(contexts)
        assert [batch.computed(s, done) for s in running] == contexts
        for steps in (0, 1, 5, 15, 16, 17, 50):
            needed = sum(blocks(c + steps) - blocks(c) for c in contexts)
            assert batch.needs_over(done, steps) == needed
            if running:
                assert batch.needs_over(done, batch.steps_within(done, needed, 10**6)) <= needed
                assert batch.needs_over(done, batch.steps_within(done, needed, 10**6) + 1) > needed
            assert batch.steps_within(done, needed, steps) == steps
        assert batch.needs(done) == batch.needs_over(done, 1)
