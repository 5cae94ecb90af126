"""What a tenant may try for more than its share (A1, A7, A8, A9, idle-then-burst), each by its
advantage.

Advantage: service by the attack over service of the same tenant behaving, same seeds. Promised is
1.02, and 5 % on the p99 wait of a tenant far below its share. For each a control shows an order or a
charge under which the attack pays.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest

from evenhand.model import NO_USAGE, EngineName, Outcome, RequestId, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, Settlement, TenantShare
from evenhand.scheduling.cost.protocol import Work
from evenhand.scheduling.running import Running
from evenhand.scheduling.ticket import Ticket
from hostile.attacked import (
    ENGINES,
    NO_GAIN,
    ONE_SEED,
    TOKENS_MAX,
    UNTIL_US,
    WARM_UP_US,
    Habits,
    Shown,
    attacked,
    behaving,
    check_attack,
    ordinary,
    stepping_out,
)
from support.policies import COST, flat, lag_bound_units
from support.share_checks import LagMeter, check_advantage, check_lag
from support.simulated_engines import SECOND, Client, Job

caught = pytest.raises(AssertionError)


@pytest.fixture(scope="module")
def before() -> Shown:
    """The attacker behaves."""
    return attacked(behaving)


def test_behaving_all_have_the_same(before: Shown) -> None:
    check_advantage(before.attacker_units, before.honest_units, Fraction(1_005, 1_000))
    check_advantage(before.honest_units, before.attacker_units, Fraction(1_005, 1_000))


# A1: many users, or many keys.

OPEN = 1_000
"""Requests that the attacker has open, however many users it splits them among."""


def split(users: int) -> tuple[TenantShare, Habits]:
    names = [f"u{n}" for n in range(users)]

    def habits(dice: random.Random) -> list[Client]:
        jobs = ordinary(dice)
        return [Client(tenant=("attacker", u), jobs=jobs, in_flight=OPEN // users) for u in names]

    return TenantShare(name="attacker", children=flat(**dict.fromkeys(names, 1))), habits


@pytest.fixture(scope="module")
def unsplit() -> Shown:
    tenant, habits = split(1)
    return attacked(habits, attacker=tenant)


@pytest.mark.parametrize("users", [10, 100, 1_000])
def test_splitting_into_users_gains_nothing(unsplit: Shown, users: int) -> None:
    tenant, habits = split(users)
    check_attack(attacked(habits, attacker=tenant), unsplit)


def test_splitting_into_connections_gains_nothing(before: Shown) -> None:
    """Keys of one tenant share its leaf: a hundred clients are as one."""

    def habits(dice: random.Random) -> list[Client]:
        jobs = ordinary(dice)
        return [Client(tenant=("attacker",), jobs=jobs, in_flight=4) for _ in range(100)]

    check_attack(attacked(habits), before)


def test_control_splitting_pays_where_arrival_decides() -> None:
    """A hundred clients get what a hundred clients ask for."""

    def habits(dice: random.Random) -> list[Client]:
        jobs = ordinary(dice)
        return [Client(tenant=("attacker",), jobs=jobs, in_flight=4) for _ in range(100)]

    attack, plain = (attacked(h, preset="fcfs", seeds=ONE_SEED) for h in (habits, behaving))
    with caught:
        check_advantage(attack.attacker_units, plain.attacker_units, NO_GAIN)


def test_control_splitting_pays_where_users_are_siblings(unsplit: Shown) -> None:
    """Ten users that are nobody's are ten tenants: as if the attacker had ten times the weight."""
    tenant, habits = split(10)
    attack = attacked(habits, attacker=replace(tenant, weight=10))
    with caught:
        check_advantage(attack.attacker_units, unsplit.attacker_units, NO_GAIN)


# Idle, then burst.


def bursting(dice: random.Random) -> list[Client]:
    """Asks for nothing half of the time, then for five times as much."""
    spans = tuple((at, at + SECOND // 10) for at in range(0, UNTIL_US, SECOND // 5))
    return [Client(tenant=("attacker",), jobs=ordinary(dice), in_flight=200, on_us=spans)]


def test_idling_before_a_burst_gains_nothing(before: Shown) -> None:
    check_attack(attacked(bursting), before)


def burst_lag() -> tuple[LagMeter, int]:
    """How far it gets beside the honest one, and how far the policy lets it."""
    meter = LagMeter({"honest": 1, "attacker": 1}, usual_units=0)
    (run,) = attacked(bursting, watch=meter, seeds=ONE_SEED).runs
    bound_units = lag_bound_units(
        run.scheduler.settings,
        window=sum(ENGINES.values()),
        request_units_max=TOKENS_MAX * (COST.input + COST.output),
    )
    return meter, bound_units


def test_a_burst_stays_within_the_bound() -> None:
    check_lag(*burst_lag())


def late(dice: random.Random) -> list[Client]:
    """Idle for half of the run, then there for good; what counts is the second half."""
    spans = ((UNTIL_US // 2, UNTIL_US),)
    return [Client(tenant=("attacker",), jobs=ordinary(dice), in_flight=200, on_us=spans)]


def test_half_a_run_of_idling_is_half_of_the_service(before: Shown) -> None:
    there = Fraction(UNTIL_US // 2, UNTIL_US - WARM_UP_US)
    check_advantage(attacked(late).attacker_units, before.attacker_units, there * NO_GAIN)


def test_control_idling_pays_where_credit_is_banked(monkeypatch: pytest.MonkeyPatch) -> None:
    before_once = attacked(behaving, seeds=ONE_SEED)
    monkeypatch.setattr("evenhand.scheduling.share_tree._lift", lambda node, pool: None)
    there = Fraction(UNTIL_US // 2, UNTIL_US - WARM_UP_US)
    attack = attacked(late, seeds=ONE_SEED)
    with caught:
        check_advantage(attack.attacker_units, before_once.attacker_units, there * NO_GAIN)
    with caught:
        check_lag(*burst_lag())


def test_stepping_out_of_the_queue_gains_nothing() -> None:
    """No debt is left behind. (Where it is, this gains a half: test_negative_controls.py.)"""
    attack, before = (attacked(h, seeds=ONE_SEED) for h in (stepping_out, behaving))
    check_advantage(attack.attacker_units, before.attacker_units, NO_GAIN)
    assert attack.runs[0].figures.ended[Outcome.CANCELLED_QUEUED] > 20_000


# A8: many answers to one request.


def multiplied(dice: random.Random) -> Iterator[Job]:
    """Eight choices, each as long as an ordinary answer."""
    for job in ordinary(dice):
        yield Job(job.prompt, 8 * job.output, choices=8)


def multiplying(dice: random.Random) -> list[Client]:
    return [Client(tenant=("attacker",), jobs=multiplied(dice), in_flight=40)]


def test_many_choices_gain_nothing(before: Shown) -> None:
    """Others wait longer only for what a request of eight times the size takes."""
    attack = attacked(multiplying)
    check_advantage(attack.attacker_units, before.attacker_units, NO_GAIN)
    check_advantage(before.honest_units, attack.honest_units, NO_GAIN)


class ChargesByTheRequest(Scheduler):
    """As a limit on requests does."""

    def produced(self, request_id: RequestId, tokens: int, now_ms: int) -> None:
        del request_id, tokens, now_ms

    def settle(
        self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int
    ) -> Settlement:
        return super().settle(request_id, Usage(1, 1), outcome, now_ms)


def test_control_many_choices_pay_where_requests_are_counted() -> None:
    attack = attacked(multiplying, core=ChargesByTheRequest, seeds=ONE_SEED)
    before = attacked(behaving, core=ChargesByTheRequest, seeds=ONE_SEED)
    with caught:
        check_advantage(attack.attacker_units, before.attacker_units, NO_GAIN)


# A7: gone just before the end.


def leaving(dice: random.Random) -> list[Client]:
    """Its client has read all but the last token when it leaves."""
    jobs = (job._replace(leaves_at=max(0, job.output - 1)) for job in ordinary(dice))
    return [Client(tenant=("attacker",), jobs=jobs, in_flight=40)]


def test_leaving_just_before_the_end_gains_nothing(before: Shown) -> None:
    attack = attacked(leaving)
    check_attack(attack, before)
    ended = sum((run.figures.ended for run in attack.runs[1:]), attack.runs[0].figures.ended)
    assert ended[Outcome.CANCELLED_RUNNING] > 1_000


class ForgivesTheBroken(Scheduler):
    """What did not complete costs nothing."""

    def settle(
        self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int
    ) -> Settlement:
        paid = usage if outcome is Outcome.COMPLETED else NO_USAGE
        return super().settle(request_id, paid, outcome, now_ms)


def test_control_leaving_pays_where_the_broken_is_forgiven() -> None:
    attack = attacked(leaving, core=ForgivesTheBroken, seeds=ONE_SEED)
    with caught:
        check_attack(attack, attacked(behaving, seeds=ONE_SEED))


# A9: an answer declared to be enormous.


def declaring(tokens: int | None) -> Habits:
    def habits(dice: random.Random) -> list[Client]:
        jobs = (job._replace(declared=tokens) for job in ordinary(dice))
        return [Client(tenant=("attacker",), jobs=jobs, in_flight=40)]

    return habits


def test_declaring_enormous_answers_changes_nobodys_wait() -> None:
    """Not by a microsecond: what is declared bounds a prediction and is not one."""
    small, giant = (attacked(declaring(most), seeds=ONE_SEED) for most in (None, 10**6))
    assert giant.attacker_units == small.attacker_units
    assert giant.modest_waits_us == small.modest_waits_us


def test_declaring_small_answers_gains_nothing(before: Shown) -> None:
    """It is charged little at the pick and the rest as it comes; the engine here does not hold it to
    it."""
    check_attack(attacked(declaring(1)), before)


class ReservesWhatIsDeclared(Running):
    def start(self, ticket: Ticket, now_ms: int) -> EngineName:
        ticket.paid_tokens = ticket.request.output_tokens_max or ticket.paid_tokens
        work = Work(ticket.input_tokens, 0, ticket.paid_tokens)
        ticket.expected_units = self._charges.cost.units(work, ticket.pinned)
        return super().start(ticket, now_ms)


class ChargesWhatIsDeclared(Scheduler):
    """Reserves the most that an answer may be, as a hold in tokens would."""

    def __init__(self, settings: SchedulerSettings) -> None:
        super().__init__(settings)
        self._running.__class__ = ReservesWhatIsDeclared


def test_control_declaring_is_seen_where_it_is_reserved() -> None:
    small = attacked(declaring(None), core=ChargesWhatIsDeclared, seeds=ONE_SEED)
    giant = attacked(declaring(10**6), core=ChargesWhatIsDeclared, seeds=ONE_SEED)
    assert giant.attacker_units != small.attacker_units
