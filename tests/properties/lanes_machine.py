"""The scheduler's machine with lanes: it recomputes the lane rule from its own books."""

from fractions import Fraction

from hypothesis.stateful import invariant

from evenhand.model import EngineName, LaneName
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.ticket import Ticket
from properties.machine_ground import BY_NAME, LANES
from properties.scheduler_machine import SchedulerMachine

RANKS = {lane.name: rank for rank, lane in enumerate(LANES)}


class LanesMachine(SchedulerMachine):
    """Where there are lanes, every pick is of the one that the rule of lanes.md names."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_ms: dict[Pool, int] = {}
        """When a slot that the pool could have had first went to another lane."""
        self.overtaken: dict[Pool, int] = {}
        """How often other lanes went first since the pool was due."""

    # What differs from the machine without lanes.

    def _may_start(self) -> list[Ticket]:
        may_start = super()._may_start()
        if not (may_start and self.ground.lanes):
            return may_start
        open_pools = {ticket.pool for ticket in may_start}
        pools = self._turn({pool for pool in open_pools if self._is_beside_kept(pool)})
        return [ticket for ticket in may_start if ticket.pool in pools]

    def _note_start(self, ticket: Ticket, engine: EngineName) -> None:
        if not self.ground.lanes:
            super()._note_start(ticket, engine)
            return
        own = ticket.pool
        due = [pool for pool in self._waiting_pools() if self._is_due(pool)]
        super()._note_start(ticket, engine)
        for pool in self._waiting_pools():
            if pool.lane == own.lane or engine not in pool.engines:
                continue
            self.passed_ms.setdefault(pool, self.now_ms)
            if pool in due:
                self.overtaken[pool] = self.overtaken.get(pool, 0) + 1
                assert self.overtaken[pool] < len(self.pools_ever), "a lane starves"
        self.passed_ms.pop(own, None)
        self.overtaken.pop(own, None)

    @invariant()
    def clocks_of_pools_that_nobody_waits_for_stand_still(self) -> None:
        for pool in set(self.passed_ms) - self._waiting_pools():
            del self.passed_ms[pool]
            self.overtaken.pop(pool, None)

    @invariant()
    def lanes_are_counted(self) -> None:
        """What the core tells of its lanes is what is there."""
        for standing in self.scheduler.lane_standings(self.now_ms):
            waiting = [r for r in self.waiting.values() if r.lane == standing.name]
            since = [self._ticket(r.id).queued_ms for r in waiting]
            assert standing.waiting == len(waiting)
            assert standing.oldest_wait_ms == self.now_ms - min(since, default=self.now_ms)
            assert standing.in_flight == self._in_flight(standing.name)

    # The rule, in the words of the page.

    def _turn(self, open_pools: set[Pool]) -> set[Pool]:
        lanes = sorted({pool.lane for pool in open_pools}, key=RANKS.__getitem__)
        if len(lanes) <= 1:
            return open_pools
        due = [pool for pool in self.scheduler.tree.root.views if pool in open_pools]
        due = [pool for pool in due if self._is_due(pool)]
        if due:
            return {min(due, key=lambda pool: (self._due_ms(pool), RANKS[pool.lane]))}
        below_floor = [lane for lane in lanes if self._in_flight(lane) < self._floor(lane)]
        candidates = [
            lane
            for lane in lanes
            if self._in_flight(lane) < self._ceiling(lane) or self._is_late(lane, open_pools)
        ]
        if below_floor:
            chosen = min(below_floor, key=lambda x: Fraction(self._in_flight(x), self._floor(x)))
        else:
            chosen = (candidates or lanes)[0]
        return {pool for pool in open_pools if pool.lane == chosen}

    def _is_beside_kept(self, pool: Pool) -> bool:
        """There is a slot for it that no other lane keeps free."""
        engines = self.scheduler.capacity.engines.values()
        free = sum(max(0, engine.window - engine.in_flight) for engine in engines)
        lacked = sum(
            max(0, self._floor(lane.name) - self._in_flight(lane.name))
            for lane in self.ground.lanes
            if lane.keeps_floor_free and lane.name != pool.lane
        )
        return free > lacked

    def _due_ms(self, pool: Pool) -> int:
        return self.passed_ms[pool] + BY_NAME[pool.lane].ageing_ms

    def _is_due(self, pool: Pool) -> bool:
        if pool not in self.passed_ms or self._due_ms(pool) > self.now_ms:
            return False
        has_none = not any(self._ticket(r).pool is pool for r in self.running)
        return has_none or self._in_flight(pool.lane) < self._ceiling(pool.lane)

    def _is_late(self, lane: LaneName, open_pools: set[Pool]) -> bool:
        target_ms = BY_NAME[lane].ttft_ms_target
        waits_ms = [
            self.now_ms - self._ticket(r.id).queued_ms
            for r in self.waiting.values()
            if r.lane == lane and self._ticket(r.id).pool in open_pools
        ]
        return target_ms is not None and max(waits_ms, default=0) > target_ms

    def _in_flight(self, lane: LaneName) -> int:
        return sum(self._ticket(r).pool.lane == lane for r in self.running)

    def _window(self) -> int:
        return sum(engine.window for engine in self.scheduler.capacity.engines.values())

    def _floor(self, lane: LaneName) -> int:
        floors = {own.name: own.floor_percent for own in self.ground.lanes}
        return floors[lane] * self._window() // 100

    def _ceiling(self, lane: LaneName) -> int:
        return max(1, BY_NAME[lane].ceiling_percent * self._window() // 100)

    def _waiting_pools(self) -> set[Pool]:
        return {self._ticket(request.id).pool for request in self.waiting.values()}

    @property
    def pools_ever(self) -> list[Pool]:
        of_lanes = self.scheduler.capacity._pools.values()
        return [pool for of_lane in of_lanes for pool in of_lane.values()]
