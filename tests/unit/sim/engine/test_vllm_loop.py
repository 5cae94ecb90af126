"""What a vLLM-like engine does at its boundaries, with times that one can add up by hand."""

from collections import deque

import pytest

from evenhand.model import EngineName
from evenhand.sim.engine.protocol import IDLE
from evenhand.sim.engine.step_cost import StepCost
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.job import NEVER, Job
from evenhand.workloads.ask import Ask, Segment
from support.vllm_scenes import small_profile

# A step takes 10 ms, whatever it does.
BY_HAND = StepCost(t_host_ms=0.0, t_w_ms=10.0, c_t_ms=1e-3, c_kv_ms=0.0)
OLDER_IS_SLOWER = BY_HAND.model_copy(update={"c_kv_ms": 0.1})


class Queue:
    head_may_change = False

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()

    def head(self, now_ms: float) -> Job | None:
        return self.jobs[0] if self.jobs else None

    def take(self, now_ms: float) -> Job:
        return self.jobs.popleft()


class Bench:
    """An engine and its queue."""

    def __init__(self, **changes: object) -> None:
        self.queue = Queue()
        profile = small_profile(**{"step": BY_HAND, **changes})
        self.engine = VllmLoop(EngineName("e"), profile, self.queue)
        self.made = 0

    def send(
        self,
        now_ms: float,
        input_tokens: int,
        output_tokens: int,
        prompt: tuple[Segment, ...] = (),
        answer: int | None = None,
    ) -> Job:
        self.made += 1
        ask = Ask(
            id=self.made,
            at_ms=now_ms,
            tenant=("t",),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            prompt=prompt,
            output_content=answer,
        )
        job = Job(ask, now_ms)
        self.queue.jobs.append(job)
        self.engine.wake(now_ms)
        return job

    def run(self, until_ms: float = IDLE) -> list[tuple[float, list[Job]]]:
        """Moments at which jobs ended."""
        found = []
        while (now_ms := self.engine.boundary_ms) < until_ms:
            if ended := self.engine.advance():
                found.append((now_ms, ended))
        return found


def test_the_first_token_comes_with_the_step_that_completes_the_prompt() -> None:
    bench = Bench()
    job = bench.send(5.0, 450, 4)
    # 200, 200 and 50 tokens, then three decodes.
    assert bench.run() == [(65.0, [job])]
    assert job.first_token_ms == 35.0
    assert job.produced == 4
    assert bench.engine.steps == 6
    assert bench.engine.boundary_ms == IDLE


def test_each_decode_reads_one_token_more() -> None:
    bench = Bench(step=OLDER_IS_SLOWER)
    job = bench.send(0.0, 100, 4)
    ((now_ms, ended),) = bench.run()
    assert ended == [job]
    assert now_ms == pytest.approx(10 + 20 + 20.1 + 20.2)


def test_who_comes_during_a_step_is_admitted_when_it_ends() -> None:
    bench = Bench()
    bench.send(0.0, 100, 50)
    bench.run(1.0)
    assert bench.engine.boundary_ms == 500.0
    late = bench.send(123.0, 100, 50)
    assert bench.engine.boundary_ms == 130.0
    bench.run()
    assert late.first_token_ms == 140.0


def test_decodes_come_first_and_prompts_share_what_is_left_of_the_budget() -> None:
    bench = Bench(step_tokens_max=100)
    first = bench.send(0.0, 60, 10)
    second = bench.send(0.0, 60, 10)
    third = bench.send(0.0, 100, 10)
    bench.run()
    # 60 + 40, then 1 + 20 + 79, then 2 + 21.
    assert [j.first_token_ms for j in (first, second, third)] == [10.0, 20.0, 30.0]


def test_the_head_waits_for_memory_and_nobody_passes_it() -> None:
    bench = Bench(kv_tokens=320)
    first = bench.send(0.0, 150, 5)
    large = bench.send(0.0, 290, 5)
    small = bench.send(0.0, 10, 5)
    bench.run()
    # The large one needs two steps, of which the second has tokens left for the small one.
    assert [j.first_token_ms for j in (first, large, small)] == [10.0, 70.0, 70.0]
    assert first.ended_ms == NEVER  # that is the host's to write


def test_no_more_sequences_than_seats() -> None:
    bench = Bench(sequences_max=2)
    jobs = [bench.send(0.0, 10, 5) for _ in range(3)]
    bench.run()
    assert [j.first_token_ms for j in jobs] == [10.0, 10.0, 60.0]


def test_who_was_admitted_last_is_preempted_and_computes_again_what_it_had() -> None:
    bench = Bench(kv_tokens=96, prefix_cache=False)
    first = bench.send(0.0, 40, 30)
    second = bench.send(0.0, 40, 30)
    bench.run(85.0)
    # Three blocks each; with nine tokens both need a fourth, and there is none.
    assert (first.preemptions, second.preemptions) == (0, 0)
    bench.run(95.0)
    assert (first.preemptions, second.preemptions, second.produced) == (0, 1, 9)
    assert set(bench.engine.running()) == {first, second}
    third = bench.send(95.0, 10, 1)  # would fit, but the other was there before
    assert bench.run() == [(300.0, [first]), (310.0, [third]), (310.0 + 20 * 10, [second])]
    assert second.first_token_ms == 10.0
    assert bench.engine.preemptions == 1
    assert bench.engine.prompt_tokens == 90


def test_the_preempted_find_what_was_not_overwritten() -> None:
    bench = Bench(kv_tokens=96)
    first = bench.send(0.0, 40, 10)
    second = bench.send(0.0, 40, 30)
    bench.run()
    # Its fourth block overwrote none of the two whole ones of the other: 32 of 49 tokens are there.
    assert first.preemptions == 0
    assert second.preemptions == 1
    assert second.cached_tokens == 0  # that is of its first admission
    assert bench.engine.steps == 10 + 1 + 20


def test_prompts_that_begin_alike_are_computed_once() -> None:
    bench = Bench(step_tokens_max=1000)
    system = Segment(1, 100)
    first = bench.send(0.0, 150, 20, prompt=(system, Segment(2, 50)))
    second = bench.send(0.0, 160, 20, prompt=(system, Segment(3, 60)))
    bench.run()
    assert (first.cached_tokens, second.cached_tokens) == (0, 96)
    assert (bench.engine.prompt_tokens, bench.engine.cached_tokens) == (310, 96)


def test_the_last_token_of_a_prompt_is_computed_in_any_case() -> None:
    bench = Bench(step_tokens_max=1000)
    prompt = (Segment(1, 160),)
    first = bench.send(0.0, 160, 1, prompt=prompt)
    bench.run()
    second = bench.send(100.0, 160, 1, prompt=prompt)
    bench.run()
    assert (first.cached_tokens, second.cached_tokens) == (0, 144)


def test_an_answer_that_is_repeated_is_found() -> None:
    bench = Bench(step_tokens_max=1000)
    asked = Segment(1, 100)
    bench.send(0.0, 100, 61, prompt=(asked,), answer=2)
    bench.run()
    later = bench.send(1000.0, 200, 1, prompt=(asked, Segment(2, 61), Segment(3, 39)))
    bench.run()
    assert later.cached_tokens == 160  # the last token of the answer was never computed


def test_memory_in_use_is_that_of_running_jobs() -> None:
    bench = Bench(kv_tokens=1606)
    assert bench.engine.kv_tokens_total == 1600
    bench.send(0.0, 100, 50)
    bench.run(1.0)
    assert bench.engine.kv_tokens_used() == 112
    # After 13 steps the seventh block is full, and the step that begins then has the eighth.
    for now_ms, tokens in ((129.0, 112), (131.0, 128), (145.0, 128), (289.0, 128), (291.0, 144)):
        bench.engine.bring_up(now_ms)
        assert bench.engine.kv_tokens_used() == tokens
    bench.run()
    assert bench.engine.kv_tokens_used() == 0


def test_tokens_are_told_as_of_any_moment() -> None:
    bench = Bench()
    job = bench.send(0.0, 100, 50)
    bench.run(1.0)
    for now_ms, produced in ((9.9, 0), (10.0, 1), (305.0, 30), (310.0, 31)):
        bench.engine.bring_up(now_ms)
        assert job.produced == produced
    assert job.first_token_ms == 10.0


def test_who_leaves_is_in_the_step_under_way_and_in_no_later_one() -> None:
    bench = Bench(kv_tokens=160)
    leaves = bench.send(0.0, 100, 50)
    bench.run(1.0)
    next_one = bench.send(100.0, 100, 5)
    bench.run(115.0)
    bench.engine.drop(leaves, 123.0)
    assert list(bench.engine.running()) == []
    bench.run()
    assert next_one.first_token_ms == 140.0
    assert leaves.ended_ms == NEVER
    assert bench.engine.kv_tokens_used() == 0


def test_a_preempted_one_may_leave() -> None:
    bench = Bench(kv_tokens=96)
    bench.send(0.0, 40, 30)
    leaves = bench.send(0.0, 40, 30)
    bench.run(95.0)
    bench.engine.drop(leaves, 97.0)
    assert len(bench.run()) == 1


def test_a_slow_engine_takes_longer_from_its_next_step_on() -> None:
    bench = Bench()
    job = bench.send(0.0, 100, 10)
    bench.run(1.0)
    bench.engine.slow_down(2.0, 35.0)
    bench.run(85.0)
    bench.engine.slow_down(1.0, 85.0)
    # Four steps of 10 ms, three of 20 ms, three of 10 ms.
    assert bench.run() == [(130.0, [job])]


def test_a_failed_engine_has_lost_all_and_goes_on() -> None:
    bench = Bench(step_tokens_max=1000)
    prompt = (Segment(1, 160),)
    lost = bench.send(0.0, 160, 50, prompt=prompt)
    bench.run(1.0)
    bench.engine.bring_up(55.0)
    assert bench.engine.fail() == [lost]
    assert (lost.produced, bench.engine.steps, bench.engine.kv_tokens_used()) == (5, 5, 0)
    assert bench.engine.boundary_ms == IDLE
    later = bench.send(100.0, 160, 5, prompt=prompt)
    assert bench.run() == [(150.0, [later])]
    assert later.cached_tokens == 0
    assert bench.engine.steps == 10


def test_what_never_fits_is_told_beforehand() -> None:
    engine = Bench(kv_tokens=160).engine
    sizes = [(100, 60), (100, 61), (1, 160)]
    asks = [
        Ask(id=n, at_ms=0, tenant=("a",), input_tokens=i, output_tokens=o)
        for n, (i, o) in enumerate(sizes)
    ]
    assert [engine.takes(ask) for ask in asks] == [True, False, False]


def test_a_head_that_may_change_is_asked_for_at_every_boundary_while_it_does_not_fit() -> None:
    bench = Bench(kv_tokens=160)
    bench.queue.head_may_change = True
    bench.send(0.0, 100, 20)
    large = bench.send(0.0, 140, 5)
    bench.run(45.0)
    assert bench.engine.boundary_ms == 50.0
    bench.send(0.0, 10, 5)
    bench.queue.jobs.reverse()
    small = bench.queue.jobs[0]
    bench.run()
    assert (small.first_token_ms, large.first_token_ms) == (60.0, 210.0)
