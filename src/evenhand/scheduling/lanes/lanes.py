"""When a lane's turn is. Rule, guarantees and bounds: lanes.md."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from evenhand.model import EngineName, LaneName
from evenhand.scheduling.capacity import Capacity
from evenhand.scheduling.lanes.lane import Lane
from evenhand.scheduling.lanes.load import LaneLoad, PoolLoad
from evenhand.scheduling.lanes.standing import LaneStanding
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.ticket import Ticket


class Lanes:
    """Told of every stay in the queue and at an engine; asked at each pick that has a choice."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        assert lanes
        self._lanes = {lane.name: LaneLoad(lane, rank) for rank, lane in enumerate(lanes)}
        assert len(self._lanes) == len(lanes), "two lanes have one name"
        self._pools: dict[Pool, PoolLoad] = {}  # bounded by the pools that there ever were
        self._keeping = [load for load in self._lanes.values() if load.lane.keeps_floor_free]
        assert sum(load.lane.floor_percent for load in self._keeping) < 100, "others may not run"

    def lane(self, name: LaneName) -> Lane:
        """The lane of that name; the host has checked that it is configured."""
        load = self._lanes.get(name)
        assert load is not None, f"no lane is called {name}"
        return load.lane

    def queued(self, ticket: Ticket) -> None:
        """It waits. Once per stay in the queue."""
        waiting = self._pool(ticket.pool).waiting
        # Only those that come from another pool find some that wait for less long.
        later = list(takewhile(lambda other: other.queued_ms > ticket.queued_ms, reversed(waiting)))
        waiting[ticket] = None
        for other in reversed(later):
            waiting.move_to_end(other)

    def unqueued(self, ticket: Ticket) -> None:
        """It waits no more. Once per stay."""
        load = self._pools[ticket.pool]
        del load.waiting[ticket]
        if not load.waiting:
            load.passed_ms = None

    def started(
        self, ticket: Ticket, engine: EngineName, waiting: Iterable[Pool], now_ms: int
    ) -> None:
        """It runs there; these pools wait still. O(pools that wait)."""
        own = self._pool(ticket.pool)
        own.in_flight += 1
        own.lane.in_flight += 1
        own.passed_ms = None
        for pool in waiting:
            if engine in pool.engines:
                other = self._pools[pool]
                if other.lane is not own.lane and other.passed_ms is None:
                    other.passed_ms = now_ms

    def ended(self, ticket: Ticket) -> None:
        """It runs no more. Once per start."""
        load = self._pools[ticket.pool]
        load.in_flight -= 1
        load.lane.in_flight -= 1
        assert load.in_flight >= 0

    def beside_kept(self, pools: Sequence[Pool], capacity: Capacity) -> Sequence[Pool]:
        """Those of the pools that may have one of the free slots, what other lanes keep free left aside.
        O(pools, and engines that have a slot)."""
        lacking = {load: load.lacks(capacity.window) for load in self._keeping}
        if not any(lacking.values()):
            return pools
        spare = capacity.free_slots() - sum(lacking.values())
        return [pool for pool in pools if spare + lacking.get(self._pool(pool).lane, 0) > 0]

    def next(self, open_pools: Sequence[Pool], window: int, now_ms: int) -> Sequence[Pool]:
        """Those of the open pools whose turn it is: some of one lane, at least one. `window` is that of
        all engines that are up. O(open pools)."""
        by_lane: dict[LaneLoad, list[Pool]] = {}
        for pool in open_pools:
            by_lane.setdefault(self._pools[pool].lane, []).append(pool)
        if len(by_lane) == 1:
            return open_pools
        passed_over = self._passed_over(open_pools, window, now_ms)
        if passed_over is not None:
            return [passed_over]
        waiting = sorted(by_lane, key=lambda load: load.rank)
        furthest = _furthest_below_floor(waiting, window)
        if furthest is not None:
            return by_lane[furthest]
        for load in waiting:
            if _is_below_ceiling(load, window) or self._is_late(load, by_lane[load], now_ms):
                return by_lane[load]
        return by_lane[waiting[0]]

    def passed(self) -> dict[Pool, int]:
        """Since when pools were passed over that wait."""
        found = {pool: load.passed_ms for pool, load in self._pools.items()}
        return {pool: since_ms for pool, since_ms in found.items() if since_ms is not None}

    def keep_passed(self, passed: Mapping[Pool, int]) -> None:
        """Those that wait still were passed over since then, in other lanes of the same names."""
        for pool, since_ms in passed.items():
            load = self._pools.get(pool)
            if load is not None and load.waiting:
                load.passed_ms = since_ms

    def standings(self, window: int, now_ms: int) -> tuple[LaneStanding, ...]:
        """All lanes in order of precedence. O(pools)."""
        return tuple(
            LaneStanding(
                name=name,
                in_flight=load.in_flight,
                waiting=load.waiting,
                oldest_wait_ms=now_ms - since if (since := load.oldest_ms()) is not None else 0,
                floor_slots=load.lane.floor_slots(window),
                ceiling_slots=load.lane.ceiling_slots(window),
            )
            for name, load in self._lanes.items()
        )

    def _pool(self, pool: Pool) -> PoolLoad:
        load = self._pools.get(pool)
        if load is None:
            lane = self._lanes[pool.lane]
            load = self._pools[pool] = PoolLoad(lane)
            lane.pools.append(load)
        return load

    def _passed_over(self, pools: Sequence[Pool], window: int, now_ms: int) -> Pool | None:
        """The pool that has been due for longest."""
        due: list[tuple[int, int, int, Pool]] = []
        for place, pool in enumerate(pools):
            load = self._pools[pool]
            if load.passed_ms is None:
                continue
            due_ms = load.passed_ms + load.lane.lane.ageing_ms
            # At its ceiling a lane has its fill, unless none of it is this pool's.
            may_start = load.in_flight == 0 or _is_below_ceiling(load.lane, window)
            if due_ms <= now_ms and may_start:
                due.append((due_ms, load.lane.rank, place, pool))
        return min(due)[3] if due else None

    def _is_late(self, load: LaneLoad, pools: Iterable[Pool], now_ms: int) -> bool:
        """Whether somebody who could start now has waited beyond the lane's deadline."""
        target_ms = load.lane.ttft_ms_target
        if target_ms is None:
            return False
        return any(_waits_since(self._pools[pool]) + target_ms < now_ms for pool in pools)


def _waits_since(load: PoolLoad) -> int:
    since = load.oldest_ms()
    assert since is not None, "an open pool is one that somebody waits for"
    return since


def _furthest_below_floor(loads: Iterable[LaneLoad], window: int) -> LaneLoad | None:
    """The one that has least of its floor, of those that have less than all of it; ties to the first."""
    furthest: LaneLoad | None = None
    least = 1
    for load in loads:
        slots = load.lane.floor_slots(window)
        if load.in_flight >= slots:
            continue
        if furthest is None or load.in_flight * least < furthest.in_flight * slots:
            furthest, least = load, slots
    return furthest


def _is_below_ceiling(load: LaneLoad, window: int) -> bool:
    return load.in_flight < load.lane.ceiling_slots(window)
