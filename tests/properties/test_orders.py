"""Orders that keep counters of their own, beside plain ones that recompute everything."""

import random
from collections import Counter
from fractions import Fraction

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import (
    Policy,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    compose,
    tenant_paths,
)
from evenhand.scheduling.order.least_attained import LeastAttained

M = ModelName("m")
FLAT = tuple(TenantShare(name=name) for name in "abc")
TREE = (
    TenantShare(name="x", weight=2, children=(TenantShare(name="p"), TenantShare(name="q"))),
    TenantShare(name="y", children=(TenantShare(name="r", weight=3), TenantShare(name="s"))),
)


class Run:
    """A scheduler, the requests given to it, and a clock."""

    def __init__(self, policy: Policy, tenants: tuple[TenantShare, ...], window: int = 1) -> None:
        self.core = Scheduler(SchedulerSettings(tenants=tenants, policy=policy))
        self.core.engine_changed(EngineName("e"), window=window, models=[M])
        self.leaves = list(tenant_paths(tenants))
        self.now_ms = 0
        self.count = 0
        self.running: list[Request] = []

    def submit(self, tenant: TenantPath, tokens: int = 10) -> Request:
        self.count += 1
        request = Request(
            id=RequestId(f"r{self.count}"),
            tenant=tenant,
            model=M,
            body_bytes=1,
            prompt_tokens=tokens,
            output_tokens_max=0,
            queue_wait_ms_max=10**9,
        )
        assert self.core.submit(request, self.now_ms).refused is None
        return request

    def start(self) -> TenantPath | None:
        started = self.core.next(self.now_ms)
        if started is None:
            return None
        self.running.append(started.request)
        return started.request.tenant

    def finish(self, request: Request, *, cached: int = 0) -> None:
        assert request.prompt_tokens is not None
        usage = Usage(request.prompt_tokens, 0, cached)
        self.core.settle(request.id, usage, Outcome.COMPLETED, self.now_ms)
        self.running.remove(request)

    def serve(self) -> TenantPath:
        """Start one, and let it finish."""
        tenant = self.start()
        assert tenant is not None
        self.finish(self.running[-1])
        return tenant


def test_by_turns_goes_round_whatever_a_turn_costs() -> None:
    run = Run(compose("round-robin"), FLAT)
    for tenant, tokens in (("a", 1), ("b", 1000), ("c", 1)):
        for _ in range(4):
            run.submit((tenant,), tokens)
    order = "".join(run.serve()[0] for _ in range(12))
    assert order == "abcabcabcabc"


def test_by_turns_is_kept_at_every_node() -> None:
    run = Run(compose("round-robin"), TREE)
    for _ in range(4):
        for leaf in run.leaves:
            run.submit(leaf)
    served = ["/".join(run.serve()) for _ in range(8)]
    assert served == ["x/p", "y/r", "x/q", "y/s"] * 2


def test_who_comes_back_has_one_turn_and_no_more() -> None:
    run = Run(compose("round-robin"), FLAT)
    for _ in range(10):
        run.submit(("a",))
        run.submit(("b",))
    for _ in range(10):
        run.serve()
    for _ in range(5):
        run.submit(("c",))
    assert "".join(run.serve()[0] for _ in range(6)) == "cabcab"


@pytest.mark.parametrize("tenants", [FLAT, TREE], ids=["flat", "tree"])
def test_turns_agree_with_a_plain_list(tenants: tuple[TenantShare, ...]) -> None:
    dice = random.Random(3)
    run = Run(compose("round-robin"), tenants)
    waiting: Counter[TenantPath] = Counter()
    last_turn: dict[TenantPath, int] = {}
    positions = {path: i for i, path in enumerate(node.path for node in run.core.tree.nodes())}
    for turn in range(1, 5_000):
        for _ in range(dice.choice([0, 1, 2])):
            leaf = dice.choice(run.leaves)
            run.submit(leaf)
            waiting[leaf] += 1
        if not waiting.total():
            continue
        expected: TenantPath = ()
        while expected not in run.leaves:
            depth = len(expected)
            children = {
                leaf[: depth + 1] for leaf in waiting if waiting[leaf] and leaf[:depth] == expected
            }
            expected = min(children, key=lambda child: (last_turn.get(child, 0), positions[child]))
        assert run.serve() == expected
        waiting[expected] -= 1
        for depth in range(1, len(expected) + 1):
            last_turn[expected[:depth]] = turn


def test_idling_banks_credit_with_the_least_counter_and_not_with_vtc() -> None:
    def burst_after_idling(preset: str) -> str:
        run = Run(compose(preset), FLAT[:2])
        for _ in range(60):
            run.submit(("a",))
        for _ in range(20):
            run.serve()
        for _ in range(20):
            run.submit(("b",))
        return "".join(run.serve()[0] for _ in range(20))

    assert burst_after_idling("lcf") == "b" * 20
    assert burst_after_idling("vtc").count("b") <= 11


HALF_LIFE_MS = 2_000


@pytest.mark.parametrize("tenants", [FLAT, TREE], ids=["flat", "tree"])
def test_attained_service_fades_as_computed_anew(tenants: tuple[TenantShare, ...]) -> None:
    """Each pick is, within the straight line between half-lives, the one with least faded service."""
    dice = random.Random(5)
    run = Run(compose("las", settings={"half_life_s": HALF_LIFE_MS // 1000}), tenants, window=2)
    weights = {node.path: node.weight for node in run.core.tree.nodes()}
    waiting: Counter[TenantPath] = Counter()
    charges: list[tuple[TenantPath, int, int]] = []
    for _ in range(3_000):
        run.now_ms += dice.choice([0, 100, 900, 900, 5_000])
        for _ in range(dice.choice([1, 2])):
            leaf = dice.choice(run.leaves)
            run.submit(leaf, dice.choice([1, 100]))
            waiting[leaf] += 1
        chosen = run.start()
        assert chosen is not None
        if charges:
            least_and_chosen(charges, weights, waiting, chosen, run.now_ms)
        waiting[chosen] -= 1
        request = run.running[-1]
        assert request.prompt_tokens is not None
        charges = [c for c in charges if run.now_ms - c[1] < 25 * HALF_LIFE_MS]
        charges.append((chosen, run.now_ms, request.prompt_tokens * 10))
        if len(run.running) == 2:
            run.finish(dice.choice(run.running))


def least_and_chosen(
    charges: list[tuple[TenantPath, int, int]],
    weights: dict[TenantPath, int],
    waiting: Counter[TenantPath],
    chosen: TenantPath,
    now_ms: int,
) -> None:
    def faded(path: TenantPath) -> float:
        return sum(
            units / weights[path] * 2 ** (-(now_ms - at_ms) / HALF_LIFE_MS)
            for leaf, at_ms, units in charges
            if leaf[: len(path)] == path
        )

    for depth in range(len(chosen)):
        parent = chosen[:depth]
        children = {
            leaf[: depth + 1] for leaf in waiting if waiting[leaf] and leaf[:depth] == parent
        }
        least = min(map(faded, children))
        assert faded(chosen[: depth + 1]) <= least * 1.13 + 1e-3


def test_a_refund_takes_back_no_more_than_was_charged() -> None:
    run = Run(compose("las", settings={"half_life_s": 1}), FLAT[:2])
    run.submit(("a",), 1_000)
    run.start()
    run.now_ms += 900
    run.finish(run.running[0], cached=1_000)
    attained = run.core._order._attained.of  # type: ignore[attr-defined]
    leaf = run.core.tree.leaf(("a",))
    kept = Fraction(attained[leaf].virtual, leaf.ticks_per_unit)
    assert kept > 0
    assert run.core._order._charged == {}  # type: ignore[attr-defined]


def test_a_charge_that_begins_an_epoch_makes_no_later_refund_larger() -> None:
    """Counters are divided after so many half-lives, and with them what a running request counted."""
    run = Run(compose("las", prediction="none", settings={"half_life_s": 1}), FLAT)
    request = run.submit(("a",), tokens=100)
    assert run.start() == ("a",)
    run.now_ms = 40_000
    run.core.produced(request.id, 1, run.now_ms)
    usage = Usage(100, 1, cached_input_tokens=90)
    run.core.settle(request.id, usage, Outcome.COMPLETED, run.now_ms)
    order = run.core._order
    assert isinstance(order, LeastAttained)
    assert all(order._attained.counter(node).virtual >= 0 for node in run.core.tree.nodes())
