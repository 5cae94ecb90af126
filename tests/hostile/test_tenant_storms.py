"""A15: a hundred thousand requests that are taken back or sent again at once.

The scheduler keeps nothing of them, a call costs what it cost before, and neither shares nor waits of
others change. What is kept is counted as objects reachable from the scheduler, whatever they are kept
in.
"""

import random
from fractions import Fraction
from itertools import count

import pytest

from evenhand.model import EngineName, Outcome, Request, RequestId
from evenhand.scheduling import QueueLimits, Scheduler, deadlines
from evenhand.scheduling.counter_heap import CounterHeap
from evenhand.scheduling.queue import ranked
from hostile.attacked import ONE_SEED, Habits, Shown, attacked, behaving, check_attack, ordinary
from support.policies import flat, settings_of
from support.share_checks import check_little_is_remembered, retained_objects
from support.simulated_engines import FOREVER, MODEL, Client

caught = pytest.raises(AssertionError)
STORM = 100_000
ABOUT_AS_LONG = Fraction(110, 100)
"""A run of one seed knows the p99 of two thousand waits no better."""
KEPT_OBJECTS_MAX = 600
"""Of a storm: the dead that a heap may hold before it is swept, in each of three, and integers."""


class Storm:
    """A scheduler whose one slot is taken by the attacker, who so is far ahead of one who waits."""

    def __init__(self, preset: str = "vtc") -> None:
        self.scheduler = Scheduler(settings_of(flat(honest=1, attacker=1), preset=preset))
        self.scheduler.engine_changed(EngineName("e"), window=1, models=[MODEL])
        self._numbers = count()
        self.send("attacker", prompt=10**6)
        assert self.scheduler.next(0) is not None
        self.send("honest")

    def send(self, tenant: str, prompt: int = 1) -> RequestId:
        request = Request(
            id=RequestId(str(next(self._numbers))),
            tenant=(tenant,),
            model=MODEL,
            body_bytes=1,
            prompt_tokens=prompt,
            queue_wait_ms_max=FOREVER,
        )
        submission = self.scheduler.submit(request, 0)
        assert submission.refused is None
        return request.id

    def cancels(self, times: int) -> None:
        """Sent and taken back, one after the other."""
        for _ in range(times):
            self.scheduler.cancel(self.send("attacker"), 0)

    def check(self, times: int) -> None:
        """A storm leaves behind no more than a shower did."""
        self.cancels(100)
        before_objects = retained_objects(self.scheduler)
        self.cancels(times)
        now_objects = retained_objects(self.scheduler)
        check_little_is_remembered(now_objects, before_objects, KEPT_OBJECTS_MAX)


@pytest.mark.parametrize("preset", ["vtc", "fcfs"])
def test_a_storm_of_cancelled_requests_leaves_nothing_behind(preset: str) -> None:
    Storm(preset).check(STORM)


def test_control_deadlines_of_the_cancelled_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "_DEAD_ENTRIES_MAX", FOREVER)
    with caught:
        Storm().check(STORM // 50)


def test_control_cancelled_entries_left_in_the_heap_are_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CounterHeap, "_compact", lambda self: None)
    with caught:
        Storm().check(STORM // 50)


def test_control_cancelled_arrivals_left_in_the_queue_are_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ranked, "_DEAD_ENTRIES_MAX", FOREVER)
    with caught:
        Storm("fcfs").check(STORM // 50)


def impatient(dice: random.Random) -> list[Client]:
    """Two hundred requests, each taken back after a millisecond and sent again at once."""
    jobs = ordinary(dice)
    return [
        Client(tenant=("attacker",), jobs=jobs, in_flight=200, patience_us=1_500, retry_us=10),
    ]


@pytest.fixture(scope="module")
def before() -> Shown:
    """The attacker behaves."""
    return attacked(behaving, seeds=ONE_SEED)


def test_taking_back_and_sending_again_gains_nothing(before: Shown) -> None:
    attack = attacked(impatient, seeds=ONE_SEED)
    check_attack(attack, before, slower=ABOUT_AS_LONG)
    assert attack.runs[0].figures.ended[Outcome.CANCELLED_QUEUED] > STORM // 2


def pressing(limit: int) -> Habits:
    """Sends again twenty microseconds after it was refused for having `limit` waiting."""

    def habits(dice: random.Random) -> list[Client]:
        jobs = ordinary(dice)
        return [Client(tenant=("attacker",), jobs=jobs, in_flight=2 * limit, retry_us=20)]

    return habits


def test_not_waiting_for_retry_after_gains_nothing(before: Shown) -> None:
    limits = QueueLimits(tenant_requests_max=100)
    attack = attacked(pressing(100), seeds=ONE_SEED, limits=limits)
    check_attack(attack, before, slower=ABOUT_AS_LONG)
    assert attack.runs[0].figures.ended[Outcome.TENANT_QUEUE_FULL] > STORM // 4


def test_a_full_queue_sheds_the_attackers_requests_and_nobody_elses(before: Shown) -> None:
    """The limit of all is reached by the attacker alone: the others never notice."""
    limits = QueueLimits(requests_max=300, tenant_requests_max=10_000)
    attack = attacked(pressing(1_000), seeds=ONE_SEED, limits=limits)
    check_attack(attack, before, slower=ABOUT_AS_LONG)
    (run,) = attack.runs
    assert run.figures.ended[Outcome.SHED] > STORM // 4
    assert run.figures.refused[("honest",)] == run.figures.refused[("modest",)] == 0
