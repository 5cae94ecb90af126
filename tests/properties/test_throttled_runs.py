"""F13 over long runs: throttling only under overload, only at the start of an interaction, only over the
share; every decision is recomputed from books of the test's own."""

import random
from collections import Counter
from fractions import Fraction

import pytest

from evenhand.model import EngineName, InteractionId, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import Node, Scheduler, SchedulerSettings, compose, tenant_paths
from evenhand.scheduling.admission import throttling
from evenhand.scheduling.admission.overload import Overload
from evenhand.scheduling.capacity import Capacity
from evenhand.scheduling.interactions import Interactions
from properties.machine_ground import TREES

MODEL, ENGINE = ModelName("m"), EngineName("e")
TARGET_S, SUSTAINED_S, CLEARED = 4, 2, Fraction(1, 2)
CALLS_MAX, IDLE_S, REMEMBERED_MAX = 4, 9, 5
DIALS = {
    "overload_target_s": TARGET_S,
    "overload_sustained_s": SUSTAINED_S,
    "overload_cleared_percent": 50,
    "interaction_calls_max": CALLS_MAX,
    "interaction_idle_s": IDLE_S,
    "tenant_interactions_max": REMEMBERED_MAX,
}
STEPS = 1_500
FLOORS_S = Fraction(1, 10)
"""What rounding down at each level takes off a time, at most."""


class Book:
    """One interaction, as the test knows it."""

    def __init__(self) -> None:
        self.calls = 0
        self.open: set[RequestId] = set()
        self.last_ms = 0
        """When its last call ended."""


class Run:
    """Floods, chains and modest tenants on one engine, decided by seeded dice."""

    def __init__(self, seed: int) -> None:
        self.dice = dice = random.Random(seed)
        tree = dice.choice(TREES)
        policy = compose("fairserve", prediction="none", settings=DIALS)
        self.core = Scheduler(SchedulerSettings(tenants=tree, policy=policy))
        self.core.engine_changed(ENGINE, window=2, models=[MODEL])
        self.leaves = list(tenant_paths(tree))
        self.now_ms = 0
        self.count = 0
        self.waiting: dict[RequestId, Request] = {}
        self.running: dict[RequestId, Request] = {}
        self.books: dict[tuple[str, ...], dict[str, Book]] = {leaf: {} for leaf in self.leaves}
        self.inside, self.may_take_more = 0, False
        """What the engine has told."""
        self.above_since_ms: int | None = None
        self.is_overloaded = False
        self.seen: Counter[str] = Counter()

    # What the test knows by itself.

    def measure(self) -> int | None:
        """The rate; keeps the book of the overload."""
        rate = self.core._rate.units_per_s(self.now_ms)
        queued = sum(self.units(request) for request in self.waiting.values())
        inside = self.inside * queued // len(self.waiting) if self.waiting else 0
        drain_ms = None if rate is None else (queued + inside) * 1000 // max(1, rate)
        if self.waiting and self.may_take_more:
            drain_ms = None
        if self.is_overloaded:
            if drain_ms is None or drain_ms < TARGET_S * 1000 * CLEARED:
                self.is_overloaded, self.above_since_ms = False, None
        elif drain_ms is None or drain_ms <= TARGET_S * 1000:
            self.above_since_ms = None
        else:
            if self.above_since_ms is None:
                self.above_since_ms = self.now_ms
            self.is_overloaded = self.now_ms - self.above_since_ms >= SUSTAINED_S * 1000
        return rate

    @staticmethod
    def units(request: Request) -> int:
        return (request.prompt_tokens or 0) * 10

    def book(self, request: Request) -> Book | None:
        """Of the interaction that the request continues, if it is known."""
        books = self.books[request.tenant]
        for name, book in list(books.items()):
            if not book.open and self.now_ms - book.last_ms >= IDLE_S * 1000:
                del books[name]
        return books.get(request.interaction)

    def seconds_at_its_share(self, leaf: Node, units: int, rate: int) -> Fraction:
        """How long so much of a leaf takes, counted from who waits by the test's own account."""
        took, path = Fraction(units, max(1, rate)), leaf.path
        for depth in range(len(path), 0, -1):
            here, level = path[:depth], path[: depth - 1]
            waiting = {r.tenant[:depth] for r in self.waiting.values()} | {here}
            weights = sum(self.node(one).weight for one in waiting if one[:-1] == level)
            took = took * weights / self.node(here).weight
        return took

    def node(self, path: tuple[str, ...]) -> Node:
        node = self.core.tree.root
        for name in path:
            node = node.children[name]
        return node

    # What happens.

    def ask(self) -> None:
        dice, self.count = self.dice, self.count + 1
        flood = dice.random() < 0.7
        request = Request(
            id=RequestId(f"r{self.count}"),
            tenant=self.leaves[0] if flood else dice.choice(self.leaves),
            model=MODEL,
            body_bytes=1,
            prompt_tokens=dice.choice([1, 50, 100]),
            output_tokens_max=0,
            queue_wait_ms_max=dice.choice([3_000, 60_000]),
            interaction=InteractionId(dice.choice(["", "x", "y", "z", *map(str, range(9))])),
            calls_declared=dice.choice([None, 1, 3, 10**6]),
        )
        rate = self.measure()
        leaf = self.core.tree.leaf(request.tenant)
        continued = self.book(request)
        is_first = continued is None or continued.calls % CALLS_MAX == 0
        engine = self.core.start_at_once(request, self.now_ms)
        if engine is not None:
            self.admitted(request, leaf)
            self.running[request.id] = request
            return
        refused = self.core.submit(request, self.now_ms).refused
        kind = "overloaded" if self.is_overloaded else "calm"
        self.seen[f"{kind}, {'first' if is_first else 'later'}, {'no' if refused else 'yes'}"] += 1
        if refused is not None:
            assert refused.outcome is Outcome.THROTTLED
            assert self.is_overloaded, "throttled although there is no overload"
            assert is_first, "throttled in the middle of an interaction"
            assert rate is not None
            own_s = self.seconds_at_its_share(leaf, self.queued(leaf), rate)
            assert own_s > TARGET_S * CLEARED, "throttled within its share"
            assert refused.retry_after_ms is not None
            assert 1_000 <= refused.retry_after_ms <= 120_000
            assert refused.retry_after_ms % 1_000 == 0
            assert request.id not in self.core._tickets
            return
        if self.is_overloaded and is_first and rate is not None:
            own = self.queued(leaf)
            own_s = self.seconds_at_its_share(leaf, own, rate)
            with_this_s = self.seconds_at_its_share(leaf, own + self.units(request), rate)
            is_over = own_s > TARGET_S * CLEARED + FLOORS_S and with_this_s > TARGET_S + FLOORS_S
            assert not is_over, "let in although over its share"
        self.admitted(request, leaf)
        self.waiting[request.id] = request

    def queued(self, leaf: Node) -> int:
        return sum(self.units(r) for r in self.waiting.values() if r.tenant == leaf.path)

    def admitted(self, request: Request, leaf: Node) -> None:
        if not request.interaction:
            return
        books = self.books[request.tenant]
        book = self.book(request)
        if book is None:
            if len(books) >= REMEMBERED_MAX:
                idle = [name for name, other in books.items() if not other.open]
                if not idle:
                    return
                del books[min(idle, key=lambda name: books[name].last_ms)]
            book = books[request.interaction] = Book()
        book.calls += 1
        book.open.add(request.id)

    def over(self, request: Request, *, has_run: bool) -> None:
        books = self.books[request.tenant]
        book = books.get(request.interaction)
        if book is None or request.id not in book.open:
            return
        book.open.remove(request.id)
        book.calls -= not has_run
        book.last_ms = self.now_ms
        if not book.open:
            # Last ended, last in the order, where two ended in the same millisecond.
            books[request.interaction] = books.pop(request.interaction)
            if not book.calls:
                del books[request.interaction]

    def step(self) -> None:
        dice = self.dice
        self.now_ms += dice.choice([0, 100, 400])
        for _ in range(dice.choice([0, 0, 1, 2, 6])):
            self.ask()
        if self.running and dice.random() < 0.6:
            request = self.running.pop(dice.choice(list(self.running)))
            usage = Usage(request.prompt_tokens or 0, 0)
            outcome = dice.choice([Outcome.COMPLETED, Outcome.ENGINE_FAILED])
            self.core.settle(request.id, usage, outcome, self.now_ms)
            self.over(request, has_run=True)
        if dice.random() < 0.05:
            self.inside, self.may_take_more = dice.choice([0, 0, 1, 20]), dice.random() < 0.1
            self.core.engine_told(ENGINE, waiting=self.inside, may_take_more=self.may_take_more)
        if self.waiting and dice.random() < 0.05:
            request = self.waiting.pop(dice.choice(list(self.waiting)))
            self.core.cancel(request.id, self.now_ms)
            self.over(request, has_run=False)
        while (started := self.core.next(self.now_ms)) is not None:
            self.running[started.request.id] = self.waiting.pop(started.request.id)
        for refusal in self.core.expire(self.now_ms):
            self.over(self.waiting.pop(refusal.request.id), has_run=False)
        for path in self.leaves:
            known = self.core._admission._interactions  # type: ignore[attr-defined]
            assert known.remembered(self.core.tree.leaf(path)) <= REMEMBERED_MAX


def run(seed: int) -> Counter[str]:
    made = Run(seed)
    for _ in range(STEPS):
        made.step()
    return made.seen


SEEDS = range(12)


def test_throttling_keeps_its_promises_and_the_runs_meet_every_case() -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        seen += run(seed)
    assert seen["overloaded, first, no"] > 1_000
    assert seen["overloaded, first, yes"] > 300
    assert seen["overloaded, later, yes"] > 300
    assert seen["calm, first, yes"] > 300
    assert not any(kind.startswith("calm") and kind.endswith("no") for kind in seen)
    assert not seen["overloaded, later, no"]


def test_control_what_waits_inside_the_engine_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, Capacity, "waiting_inside", lambda _: 0, "over its share")


def test_control_an_engine_that_may_take_more_is_not_overloaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken(monkeypatch, Capacity, "may_take_more", lambda *_: False, "no overload")


def broken(patch: pytest.MonkeyPatch, owner: type, name: str, value: object, seen: str) -> None:
    patch.setattr(owner, name, value)
    with pytest.raises(AssertionError, match=seen):
        for seed in SEEDS:
            run(seed)


def test_control_throttling_in_the_middle_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, Interactions, "continues", lambda *_: False, "in the middle")


def test_control_protection_without_a_cap_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: set[tuple[Node, str]] = set()

    def continues(self: Interactions, request: Request, leaf: Node, now_ms: int) -> bool:
        known = (leaf, request.interaction) in begun
        begun.add((leaf, request.interaction))
        return known

    broken(monkeypatch, Interactions, "continues", continues, "over its share")


def test_control_throttling_without_patience_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(self: Overload, drain_ms: int | None, now_ms: int) -> None:
        self.since_ms = now_ms if drain_ms is not None and drain_ms > self.target_ms else None

    broken(monkeypatch, Overload, "measure", at_once, "no overload")


def test_control_throttling_everybody_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(
        monkeypatch, throttling.Throttling, "_over_share_ms", lambda *_: 1_000, "within its share"
    )


def test_control_throttling_nobody_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, throttling.Throttling, "_over_share_ms", lambda *_: 0, "over its share")
