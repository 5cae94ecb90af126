"""Every preset passes the suite that third parties run, and the suite catches who breaks a promise."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from evenhand.cli.config.seams import SEAMS
from evenhand.model import Outcome, Request, TenantPath, Usage
from evenhand.scheduling import PRESETS, Node, Policy, Refusal
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.order.anyone import Anyone
from evenhand.scheduling.order.built_in import ORDERS
from evenhand.scheduling.order.least_served import LeastServed
from evenhand.scheduling.parts import OrderPart, Part
from evenhand.scheduling.ticket import Ticket
from evenhand.testing import BrokenPromiseError, check_policy


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_keeps_what_a_policy_must(name: str) -> None:
    check_policy(PRESETS[name])


@pytest.mark.parametrize(("seam", "name"), [(s, n) for s, parts in SEAMS.items() for n in parts])
def test_every_part_keeps_it_in_another_composition(seam: str, name: str) -> None:
    parts: dict[str, Any] = {seam: SEAMS[seam][name]}
    check_policy(replace(PRESETS["vtc"], **parts, settings={}), steps=400, seeds=[7])


def test_other_seeds_draw_other_events() -> None:
    check_policy(PRESETS["vtc"], steps=100, seeds=[1_000_003])


class ByAccident(Anyone):
    """Takes any waiting ticket, another one in each run."""

    ticks = count()

    def __init__(self, *ground: Any) -> None:
        super().__init__(*ground)
        self.waiting: list[Ticket] = []

    def queued(self, ticket: Ticket) -> None:
        self.waiting.append(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        self.waiting.remove(ticket)

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        able = [ticket for ticket in self.waiting if ticket.pool in openings.pools]
        return able[next(self.ticks) * 7 % len(able)]


class CountsWhenAsked(Anyone):
    """Takes the last that came at every fourth question, whether or not the answer starts."""

    def __init__(self, *ground: Any) -> None:
        super().__init__(*ground)
        self.waiting: list[Ticket] = []
        self.asked = 0

    def queued(self, ticket: Ticket) -> None:
        self.waiting.append(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        self.waiting.remove(ticket)

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        self.asked += 1
        able = [ticket for ticket in self.waiting if ticket.pool in openings.pools]
        return able[0 if self.asked % 4 else -1]


class NeverForgets(LeastServed):
    def __init__(self, *ground: Any) -> None:
        super().__init__(*ground)
        self.seen: list[Ticket] = []

    def queued(self, ticket: Ticket) -> None:
        self.seen.append(ticket)


class ServesTheDead(NeverForgets):
    """Its list has tickets that were cancelled."""

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        return self.seen.pop(0)


class Rude:
    """Refuses without a word on when to come back."""

    def refusal(self, request: Request, leaf: Node, now_ms: int) -> Refusal | None:
        return Refusal(request, Outcome.RATE_LIMITED, "No.")

    def ended(
        self, request: Request, leaf: Node, usage: Usage, outcome: Outcome, now_ms: int
    ) -> None:
        """Nothing is counted."""

    def forget(self, leaf: Node) -> None:
        """Nothing is kept."""


class Boundless:
    """Expects a thousand tokens of everybody."""

    def tokens(self, request: Request) -> int:
        return 1_000

    def learn(self, request: Request, output_tokens: int) -> None:
        """Nothing to learn."""

    def forget(self, tenant: TenantPath) -> None:
        """Nothing to forget."""


def order(build: Callable[..., Any]) -> OrderPart:
    return OrderPart(
        name="mine",
        summary="an order of mine",
        build=lambda ground, queue, _: build(ground.tree, queue),
        gap_max=ORDERS["least-served"].gap_max,
    )


def part(build: Callable[[], Any]) -> Part[Any]:
    return Part(name="mine", summary="a part of mine", build=lambda *_: build())


VTC = replace(PRESETS["vtc"], name="mine")
BROKEN = {
    "a bound needs the lift": replace(VTC, order=replace(order(LeastServed), lifts=False)),
    "counters stay within the stated bound": replace(
        VTC, order=replace(order(Anyone), asks_above_leaves=True)
    ),
    "equal events give equal decisions": replace(
        VTC, order=replace(order(ByAccident), gap_max=None)
    ),
    "who left is forgotten": replace(VTC, order=order(NeverForgets)),
    "a policy does not fail": replace(VTC, order=replace(order(ServesTheDead), gap_max=None)),
    "who is refused is told why and when to come back": replace(VTC, admission=part(Rude)),
    "no more output is expected than the client allows": replace(VTC, prediction=part(Boundless)),
}


@pytest.mark.parametrize("promise", BROKEN)
def test_who_breaks_a_promise_is_told_which_and_where(promise: str) -> None:
    policy: Policy = BROKEN[promise]
    with pytest.raises(BrokenPromiseError) as caught:
        check_policy(policy)
    assert caught.value.promise == promise
    if promise != "a bound needs the lift":
        assert "(mine, seed " in str(caught.value)


def test_the_same_seed_fails_at_the_same_step() -> None:
    policy = BROKEN["who is refused is told why and when to come back"]
    first, second = [told(policy, seed=3) for _ in range(2)]
    assert first == second
    assert "step" in first


def test_who_counts_a_turn_when_asked_is_caught() -> None:
    policy = replace(VTC, order=replace(order(CountsWhenAsked), gap_max=None))
    with pytest.raises(BrokenPromiseError, match="asked before who is next"):
        check_policy(policy)


@pytest.mark.parametrize("order", ["anyone", "by-turns"])
def test_whose_bound_is_not_true_is_caught_within_the_default_seeds(order: str) -> None:
    boast = replace(ORDERS[order], name="mine", gap_max=ORDERS["least-served"].gap_max)
    with pytest.raises(BrokenPromiseError, match="counters stay within the stated bound"):
        check_policy(replace(VTC, order=boast))


def told(policy: Policy, *, seed: int) -> str:
    with pytest.raises(BrokenPromiseError) as caught:
        check_policy(policy, seeds=[seed])
    return str(caught.value)
