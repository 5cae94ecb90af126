"""The scheduler's machine while policies and lanes are exchanged: nobody loses its place, its counter or
what it has, and from that moment on the new order decides."""

from collections import Counter
from dataclasses import replace
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import rule

from evenhand.model import Request
from evenhand.scheduling import Node, compose
from evenhand.scheduling.pool import Pool
from properties.changing_machine import ChangingMachine
from properties.expected_picks import EXPECTATIONS
from properties.machine_ground import LANES
from properties.scheduler_machine import DIALS

OF_TOKENS = ("fcfs", "round-robin", "drr", "lcf", "vtc", "las", "rpm", "tpm")
OF_PREFIXES = ("lpm", "dlpm", "d2lpm")


class ExchangingMachine(ChangingMachine):
    """It begins with one of the presets that may follow each other."""

    presets: ClassVar[tuple[str, ...]] = OF_TOKENS
    seen: ClassVar[Counter[str]] = Counter()

    @rule(
        data=st.data(),
        prediction=st.sampled_from(["none", "running-mean"]),
        other_lanes=st.booleans(),
    )
    def exchange(self, data: st.DataObject, prediction: str, *, other_lanes: bool) -> None:
        preset = data.draw(st.sampled_from(self.presets))
        before = self.scheduler.settings
        dials = {p.name for p in compose(preset, prediction=prediction).parameters()}
        settings = {name: value for name, value in DIALS.items() if name in dials}
        lanes = self.ground.lanes
        if other_lanes and lanes in ((), LANES):
            lanes = () if lanes else LANES
        wanted = replace(
            before,
            policy=compose(preset, prediction=prediction, settings=settings),
            lanes=lanes,
        )
        obstacles = self.scheduler.obstacles(wanted)
        if obstacles:
            self.seen["refused"] += 1
            assert all(obstacle.endswith(".") for obstacle in obstacles)
            return
        keeps_turns = wanted.policy.order is before.policy.order and lanes == before.lanes
        accounts, counters = self._accounts(), self._counters()
        self.scheduler.exchange(wanted, self.now_ms)
        assert self._accounts() == accounts, "service was granted or lost"
        after = self._counters()
        if lanes == before.lanes:
            assert after == counters, "somebody stands elsewhere"
        else:
            assert _ranks(after) == _ranks(counters)
            self.passed_ms.clear()
            self.overtaken.clear()
        self.seen["exchanged"] += 1
        self.seen["lanes exchanged"] += lanes != before.lanes
        self.ground = replace(self.ground, lanes=lanes)
        if not keeps_turns or wanted.policy.queue is not before.policy.queue:
            self.expected = EXPECTATIONS[preset](self.scheduler)
        # What the old order has let grow apart the new one need not have brought together yet.
        self.bound = None

    def _price(self, request: Request, units: int) -> int:
        """As its lane's price was when it started."""
        percent = self._ticket(request.id).price_percent
        return -(-units * percent // 100)

    def _accounts(self) -> dict[Node, tuple[int, int]]:
        return {node: (node.virtual, node.service_units) for node in self.scheduler.tree.nodes()}

    def _counters(self) -> dict[tuple[Node, Pool], int]:
        nodes = self.scheduler.tree.nodes()
        return {(node, pool): node.counter(pool) for node in nodes for pool in node.waiting_pools}


def _ranks(counters: dict[tuple[Node, Pool], int]) -> set[tuple[Node, tuple[str, ...], int]]:
    """Who stands where for which engines, the highest of its lanes."""
    highest: dict[tuple[Node, tuple[str, ...]], int] = {}
    for (node, pool), counter in counters.items():
        key = (node, pool.engines)
        highest[key] = max(counter, highest.get(key, counter))
    return {(*key, counter) for key, counter in highest.items()}


class PrefixExchangingMachine(ExchangingMachine):
    """The same among those that compare prompts."""

    preset = "dlpm"
    presets = OF_PREFIXES
    seen: ClassVar[Counter[str]] = Counter()
