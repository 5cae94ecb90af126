"""The S-LoRA-like loop, step by step, with round figures: 100 ms a prefill, 10 ms a decode step."""

from collections import deque

import pytest

from evenhand.model import EngineName
from evenhand.sim.engine.protocol import IDLE
from evenhand.sim.engine.slora.loop import SloraLoop
from evenhand.sim.engine.step_cost import StepCost
from evenhand.sim.host.at_gateway import EngineQueue
from evenhand.sim.job import NEVER, Job
from evenhand.workloads.ask import Ask
from support.slora_fleet import slora_profile

STEP = StepCost(t_host_ms=0, t_w_ms=10, c_t_ms=1e-9, c_kv_ms=0, prefill_ms=100)


class Bench:
    def __init__(self, **changes: object) -> None:
        self.queue = EngineQueue()
        profile = slora_profile(**{"step": STEP, "tenant_tokens": 0, **changes})
        self.engine = SloraLoop(EngineName("engine"), profile, self.queue)
        self.ended: list[Job] = []

    def send(self, input_tokens: int, output_tokens: int, at_ms: float = 0.0) -> Job:
        number = len(self.queue.jobs) + len(self.ended) + len(self.engine.running())
        ask = Ask(
            id=number,
            at_ms=at_ms,
            tenant=(f"tenant {number}",),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
        )
        job = Job(ask, at_ms)
        self.queue.jobs.append(job)
        self.engine.wake(at_ms)
        return job

    def run_until(self, until_ms: float = IDLE) -> None:
        """All boundaries before that moment, or until it is idle."""
        while self.engine.boundary_ms < until_ms:
            now_ms = self.engine.boundary_ms
            for job in self.engine.advance():
                job.ended_ms = now_ms
                self.ended.append(job)


def test_a_request_alone_is_prefilled_and_then_decodes_a_token_a_step() -> None:
    bench = Bench()
    job = bench.send(50, 6)
    bench.run_until()
    assert job.first_token_ms == pytest.approx(100)
    assert job.ended_ms == pytest.approx(150)
    assert job.produced == 6
    assert bench.engine.steps == 6
    assert bench.engine.boundary_ms == IDLE


def test_who_comes_soon_after_waits_for_ten_steps_and_pauses_all_others() -> None:
    bench = Bench()
    first = bench.send(50, 30)
    bench.run_until(101)
    second = bench.send(50, 30, at_ms=105)
    bench.run_until()
    assert second.first_token_ms == pytest.approx(100 + 10 * 10 + 100)
    assert first.ended_ms == pytest.approx(100 + 29 * 10 + 100)


def test_after_ten_steps_without_success_it_looks_after_every_step() -> None:
    bench = Bench()
    bench.send(50, 60)
    bench.run_until(351)
    late = bench.send(50, 5, at_ms=352)
    bench.run_until()
    assert late.first_token_ms == pytest.approx(360 + 100)


def test_room_is_given_by_what_will_be_held_at_worst() -> None:
    bench = Bench(kv_tokens=290)
    bench.send(100, 100)
    small, large = bench.send(50, 30), bench.send(50, 45)
    bench.run_until()
    # All three would hold 290 when the small one ends, of which one has to stay free; ten steps on 278.
    assert small.first_token_ms == pytest.approx(100)
    assert large.first_token_ms == pytest.approx(100 + 10 * 10 + 100)


def test_nobody_is_let_past_a_head_that_does_not_fit() -> None:
    bench = Bench(kv_tokens=301)
    bench.send(100, 100)
    large, tiny = bench.send(200, 90), bench.send(1, 1)
    bench.run_until()
    assert large.first_token_ms <= tiny.first_token_ms


def test_one_prefill_takes_so_many_tokens_at_most() -> None:
    bench = Bench(kv_tokens=5000, step_tokens_max=100)
    jobs = [bench.send(40, 20) for _ in range(3)]
    bench.run_until()
    assert [job.first_token_ms for job in jobs] == pytest.approx([100, 100, 300])


def test_each_tenant_in_the_batch_takes_room_for_its_adapter() -> None:
    bench = Bench(kv_tokens=230, tenant_tokens=16)
    first, second = bench.send(50, 50), bench.send(50, 50)
    bench.run_until()
    assert first.first_token_ms < second.first_token_ms
    roomier = Bench(kv_tokens=240, tenant_tokens=16)
    jobs = [roomier.send(50, 50) for _ in range(2)]
    roomier.run_until()
    assert jobs[0].first_token_ms == jobs[1].first_token_ms


def test_it_runs_no_more_requests_than_it_may() -> None:
    bench = Bench(sequences_max=2)
    jobs = [bench.send(5, 5) for _ in range(3)]
    bench.run_until()
    assert jobs[1].first_token_ms < jobs[1].ended_ms < jobs[2].first_token_ms


def test_an_answer_of_one_token_ends_with_its_prefill() -> None:
    bench = Bench()
    job = bench.send(50, 1)
    bench.run_until()
    assert job.first_token_ms == job.ended_ms == pytest.approx(100)


def test_what_never_fits_is_told_beforehand() -> None:
    engine = Bench(kv_tokens=100).engine
    asks = [
        Ask(id=n, at_ms=0, tenant=("a",), input_tokens=60, output_tokens=output)
        for n, output in enumerate((39, 40))
    ]
    assert [engine.takes(ask) for ask in asks] == [True, False]


def test_brought_up_it_says_what_has_come_by_then() -> None:
    bench = Bench()
    job = bench.send(50, 100)
    bench.run_until(100)
    bench.engine.bring_up(99.0)
    assert (job.produced, job.first_token_ms) == (0, NEVER)
    bench.run_until(101)
    bench.engine.bring_up(145.0)
    assert job.produced == 5


def test_who_leaves_makes_room_and_is_not_returned() -> None:
    bench = Bench(kv_tokens=200)
    first = bench.send(50, 100)
    second = bench.send(50, 100)
    bench.run_until(150)
    bench.engine.bring_up(152.0)
    bench.engine.drop(first, 152.0)
    bench.run_until()
    assert bench.ended == [second]
    # At the end of the step under way nothing runs, so it looks at once.
    assert second.first_token_ms == pytest.approx(160 + 100)


def test_who_leaves_during_its_prefill_is_gone_when_that_ends() -> None:
    bench = Bench()
    job = bench.send(50, 100)
    bench.run_until(1)
    bench.engine.drop(job, 50.0)
    bench.run_until()
    assert not bench.ended
    assert bench.engine.kv_tokens_used() == 0


def test_steps_that_begin_on_a_slow_engine_take_longer() -> None:
    bench = Bench()
    job = bench.send(50, 11)
    bench.run_until(101)
    bench.engine.slow_down(3.0, 145.0)
    bench.run_until()
    assert job.ended_ms == pytest.approx(100 + 5 * 10 + 5 * 30)


def test_a_failure_loses_all_and_the_engine_begins_anew() -> None:
    bench = Bench()
    lost = bench.send(50, 100)
    bench.run_until(150)
    bench.engine.bring_up(155.0)
    assert bench.engine.fail() == [lost]
    assert lost.produced == 6
    assert bench.engine.boundary_ms == IDLE
    bench.queue.jobs = deque()
    again = bench.send(50, 2, at_ms=200.0)
    bench.run_until()
    assert again.ended_ms == pytest.approx(310)
