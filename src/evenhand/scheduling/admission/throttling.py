"""Overload- and interaction-aware throttling, after FairServe (arXiv 2411.15997). Rule and deviations:
oit.md."""

from collections.abc import Iterable, Mapping

from evenhand.model import LaneName, Outcome, Request, Usage
from evenhand.scheduling.admission.overload import Overload, OverloadStatus
from evenhand.scheduling.admission.protocol import Admission
from evenhand.scheduling.decisions import Refusal
from evenhand.scheduling.interactions import Interactions
from evenhand.scheduling.node import Node
from evenhand.scheduling.parts import Ground
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.retry_after import RETRY_AFTER_MS_MAX, drain_ms, in_whole_seconds

_ONLY_LANE = LaneName("")


class Throttling:
    """Refuses new interactions of tenants over their share, while there is an overload. Each lane has
    one of its own: its target is how soon its first tokens are wanted, where it says so, and what it
    waits for is its own queue and that of the lanes before it."""

    def __init__(self, ground: Ground, values: Mapping[str, int]) -> None:
        interactions = ground.interactions
        assert interactions is not None, "the part says that it follows interactions"
        self._ground = ground
        self._interactions: Interactions = interactions
        self._target_ms = values["overload_target_s"] * 1000
        self._percent = values["overload_cleared_percent"]
        targets_ms: dict[LaneName, int | None] = {
            lane.name: lane.ttft_ms_target for lane in ground.lanes
        } or {_ONLY_LANE: None}
        # In order of precedence.
        self._overloads = {
            name: Overload(
                target_ms=target_ms or self._target_ms,
                sustained_ms=values["overload_sustained_s"] * 1000,
                cleared_percent=self._percent,
            )
            for name, target_ms in targets_ms.items()
        }
        self._units_per_s: int | None = None
        """The rate, as measured last."""
        self._throttled = 0

    def refusal(self, request: Request, leaf: Node, now_ms: int) -> Refusal | None:
        units_per_s = self._measure(now_ms)
        overload = self._overloads[request.lane if self._ground.lanes else _ONLY_LANE]
        if units_per_s is None or overload.since_ms is None:
            return None
        if self._finds_a_slot(request):
            return None
        if self._interactions.continues(request, leaf, now_ms):
            return None
        over_ms = self._over_share_ms(request, leaf, overload.target_ms, units_per_s)
        if over_ms <= 0:
            return None
        self._throttled += 1
        message = (
            f"The engines are overloaded, and tenant {'/'.join(leaf.path)} has more waiting than its "
            "share serves in time, so it can begin no new interaction now. Retry after the time given; "
            "calls of interactions in progress are still served."
        )
        wait_ms = min(in_whole_seconds(over_ms), RETRY_AFTER_MS_MAX)
        return Refusal(request, Outcome.THROTTLED, message, wait_ms)

    def ended(
        self, request: Request, leaf: Node, usage: Usage, outcome: Outcome, now_ms: int
    ) -> None:
        """It is measured at arrivals: meanwhile the queue only gets shorter."""

    def overload(self) -> OverloadStatus | None:
        since_ms, lanes = None, []
        for name, (overload, takes_ms) in self._drains().items():
            if overload.since_ms is not None and not overload.would_end(takes_ms):
                since_ms = overload.since_ms if since_ms is None else since_ms
                lanes.append(name)
        named = tuple(lanes) if self._ground.lanes else ()
        units = self._ground.tree.root.queued_units + self._units_inside()
        return OverloadStatus(
            self._drain_ms(units, ()),
            self._target_ms,
            since_ms,
            self._throttled,
            named,
        )

    def forget(self, leaf: Node) -> None:
        """Nothing is kept of a tenant here."""

    def _measure(self, now_ms: int) -> int | None:
        units_per_s = self._ground.rate.units_per_s(now_ms)
        # At least 1, where engines have come to a stand.
        self._units_per_s = None if units_per_s is None else max(1, units_per_s)
        for overload, takes_ms in self._drains().values():
            overload.measure(takes_ms, now_ms)
        return self._units_per_s

    def _drains(self) -> dict[LaneName, tuple[Overload, int | None]]:
        """Of each lane, and how long what waits in it and in those before it would take; None: some
        engine that it waits for may be able to take more, or no rate is measured."""
        ground, inside = self._ground, self._units_inside()
        pools = ground.tree.root.views
        if not ground.lanes:
            takes_ms = self._drain_ms(ground.tree.root.queued_units + inside, pools)
            return {_ONLY_LANE: (self._overloads[_ONLY_LANE], takes_ms)}
        drains, units, waited_for = {}, inside, []
        for name, overload in self._overloads.items():
            units += ground.backlog.lane_units[name]
            waited_for += [pool for pool in pools if pool.lane == name]
            drains[name] = (overload, self._drain_ms(units, waited_for))
        return drains

    def _units_inside(self) -> int:
        """What waits inside the engines, in requests as they wait here: it is served before these."""
        root = self._ground.tree.root
        if not root.queued_requests:
            return 0
        inside = self._ground.capacity.waiting_inside()
        return inside * root.queued_units // root.queued_requests

    def _drain_ms(self, units: int, waited_for: Iterable[Pool]) -> int | None:
        if self._units_per_s is None:
            return None
        if any(self._ground.capacity.may_take_more(pool) for pool in waited_for):
            return None
        return drain_ms(self._ground.tree.root, units, self._units_per_s)

    def _finds_a_slot(self, request: Request) -> bool:
        """An engine would stand idle for nobody's good if such a one were refused."""
        capacity = self._ground.capacity
        pool = capacity.pool(request.model)
        if request.engines:
            pool = capacity.within(pool, request.engines)
        is_open = capacity.is_open(pool)
        return is_open and not capacity.open_pools(self._ground.tree.root.views)

    def _over_share_ms(self, request: Request, leaf: Node, target_ms: int, units_per_s: int) -> int:
        """In how long the tenant will be within its share; 0 or less: it is.

        It is while what it has waiting takes less than the cleared part of the target at its share, and
        above that while the whole interaction would still be served within the target.
        """
        waiting = leaf.queued_units
        calls = self._interactions.expected_calls(request, leaf)
        with_this = waiting + calls * self._ground.expected_units(request)
        return min(
            drain_ms(leaf, waiting, units_per_s) - target_ms * self._percent // 100,
            drain_ms(leaf, with_this, units_per_s) - target_ms,
        )


_: type[Admission] = Throttling
