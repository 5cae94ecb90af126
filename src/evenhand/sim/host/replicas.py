"""Several gateways before the same engines. Each has a core of its own and hears of the others' charges
only now and then, so that it decides by counters that are stale.

A request goes through the gateway that its client happened to reach. The slots of each engine are
divided among the gateways: evenly, or anew at each telling, by what the shares of those who wait there
add up to. An engine takes requests in the order in which they reach it, whichever gateway sent them.
"""

from collections.abc import Callable, Collection, Sequence
from random import Random

from evenhand.model import EngineName, TenantPath
from evenhand.scheduling import Node, Scheduler
from evenhand.sim.engine.protocol import IDLE, Engine
from evenhand.sim.host.at_gateway import AtGateway, EngineQueue
from evenhand.sim.host.protocol import Host
from evenhand.sim.job import Job
from evenhand.workloads.ask import Ask, Segment

GatewayOf = Callable[[Ask], int]
"""Through which gateway an ask comes, from 0."""


def ingress(
    gateways: int, tenants: Sequence[TenantPath], *, home_share: float | None = None, seed: int = 1
) -> GatewayOf:
    """One after the other, whoever asks; or, with a `home_share`, each tenant has a gateway of its own,
    the first tenant the first and so on, which gets that share of its asks, and the others divide
    the rest. By lot, which depends on the seed and the ask alone."""
    if home_share is None:
        return lambda ask: ask.id % gateways
    homes = {tenant: number % gateways for number, tenant in enumerate(tenants)}

    def gateway_of(ask: Ask) -> int:
        dice, home = Random(f"{seed} {ask.id}"), homes[ask.tenant]  # noqa: S311 - a simulation
        if gateways == 1 or dice.random() < home_share:
            return home
        return (home + dice.randrange(1, gateways)) % gateways

    return gateway_of


class SharedQueue:
    """What an engine was sent by all gateways and has not admitted, in order of arrival there."""

    head_may_change = False

    def __init__(self, queues: Sequence[EngineQueue]) -> None:
        self._queues = queues

    def head(self, now_ms: float) -> Job | None:
        del now_ms
        queue = self._first()
        return None if queue is None else queue.jobs[0]

    def take(self, now_ms: float) -> Job:
        del now_ms
        queue = self._first()
        assert queue is not None
        return queue.jobs.popleft()

    def _first(self) -> EngineQueue | None:
        waiting = [queue for queue in self._queues if queue.jobs]
        return min(waiting, key=lambda queue: queue.jobs[0].started_ms, default=None)


class Replicas:
    """Gateways, each with its scheduler. Every `sync_ms` each is told what the others have charged since
    they last told; `inf`: never. `window` is an engine's. `slots_follow`: at each telling its slots are
    divided anew."""

    def __init__(
        self,
        gateways: Sequence[tuple[AtGateway, Scheduler]],
        gateway_of: GatewayOf,
        *,
        sync_ms: float = IDLE,
        window: int,
        slots_follow: bool = False,
    ) -> None:
        assert len(gateways) <= window, "each gateway needs a slot"
        self._gateways = [gateway for gateway, _ in gateways]
        self._schedulers = [scheduler for _, scheduler in gateways]
        self._gateway_of = gateway_of
        self._sync_ms = sync_ms
        self._sync_due_ms = sync_ms
        self._window = window
        self._slots_follow = slots_follow
        self._told: list[dict[TenantPath, int]] = [{} for _ in gateways]

    def before(self, now_ms: float) -> None:
        if now_ms >= self._sync_due_ms:
            self._sync_due_ms = now_ms // self._sync_ms * self._sync_ms + self._sync_ms
            self._sync(now_ms)
        for gateway in self._gateways:
            gateway.before(now_ms)

    def evicted(self, name: EngineName, prompt: tuple[Segment, ...], tokens: int) -> None:
        """As of a gateway."""
        for gateway in self._gateways:
            gateway.evicted(name, prompt, tokens)

    def arrived(self, job: Job, now_ms: float) -> None:
        job.gateway = self._gateway_of(job.ask)
        self._gateways[job.gateway].arrived(job, now_ms)

    def left(self, job: Job, now_ms: float) -> None:
        self._gateways[job.gateway].left(job, now_ms)

    def advanced(self, engine: Engine, ended: list[Job], now_ms: float) -> None:
        for number, gateway in enumerate(self._gateways):
            gateway.advanced(engine, _of(number, ended), now_ms)

    def failed(self, engine: Engine, jobs: list[Job], now_ms: float) -> None:
        for number, gateway in enumerate(self._gateways):
            gateway.failed(engine, _of(number, jobs), now_ms)

    def returned(self, engine: Engine, now_ms: float) -> None:
        for gateway in self._gateways:
            gateway.returned(engine, now_ms)

    def expire(self, now_ms: float) -> None:
        for gateway in self._gateways:
            gateway.expire(now_ms)

    def give_up(self, now_ms: float) -> None:
        for gateway in self._gateways:
            gateway.give_up(now_ms)

    def look_around(self, now_ms: float) -> Collection[Engine]:
        return [e for gateway in self._gateways for e in gateway.look_around(now_ms)]

    def waiting(self) -> int:
        return sum(gateway.waiting() for gateway in self._gateways)

    # Telling.

    def _sync(self, now_ms: float) -> None:
        for number, (scheduler, told) in enumerate(zip(self._schedulers, self._told, strict=True)):
            for leaf in scheduler.tree.nodes():
                if leaf.children:
                    continue
                # What was refunded is taken off what is told next.
                units = leaf.service_units - told.get(leaf.path, 0)
                if units <= 0:
                    continue
                told[leaf.path] = leaf.service_units
                for other, listener in enumerate(self._schedulers):
                    if other != number:
                        listener.charged_elsewhere(leaf.path, units, int(now_ms))
        if self._slots_follow:
            claims = claims_of([scheduler.tree.root for scheduler in self._schedulers])
            for gateway, window in zip(self._gateways, divided(self._window, claims), strict=True):
                gateway.change_window(window)


def claims_of(roots: Sequence[Node]) -> list[float]:
    """For each gateway, given the roots of their share trees: the sum of the shares of those who wait,
    each divided among the gateways where it waits by how much waits there."""
    claims = [0.0] * len(roots)

    def descend(nodes: Sequence[Node], share: float) -> None:
        if not nodes[0].children:
            amounts = [node.queued_units or node.queued_requests for node in nodes]
            for number, amount in enumerate(amounts):
                claims[number] += share * amount / sum(amounts)
            return
        below = [[node.children[name] for node in nodes] for name in nodes[0].children]
        waiting = [alike for alike in below if any(node.queued_requests for node in alike)]
        weight = sum(alike[0].weight for alike in waiting)
        for alike in waiting:
            descend(alike, share * alike[0].weight / weight)

    descend(roots, 1.0)
    return claims


def divided(slots: int, claims: Sequence[float]) -> list[int]:
    """Whole slots by claim, at least one each, by largest remainder, ties to the first. Evenly where
    nobody claims anything."""
    total = sum(claims)
    due = [slots * claim / total if total else slots / len(claims) for claim in claims]
    given = [max(1, int(part)) for part in due]
    while (left := slots - sum(given)) != 0:
        missing = [part - had for part, had in zip(due, given, strict=True)]
        if left > 0:
            given[missing.index(max(missing))] += 1
        else:
            excess = [(-lack, number) for number, lack in enumerate(missing) if given[number] > 1]
            given[max(excess)[1]] -= 1
    return given


def _of(number: int, jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if job.gateway == number]


_: type[Host] = Replicas
