"""Looks at the gateway once a second. Only tenants that had an open request in that second are visited,
so that a tick costs by the activity and not by the tree."""

import time
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from evenhand.model import TenantPath
from evenhand.scheduling import Node, subtree
from evenhand.telemetry.metrics import Counts
from evenhand.telemetry.samples.dominant import Dominant
from evenhand.telemetry.samples.entitled import entitled
from evenhand.telemetry.samples.fairness import Fairness
from evenhand.telemetry.samples.history import History
from evenhand.telemetry.samples.kv_share import kv_shares
from evenhand.telemetry.samples.promised import MILLION, Promised
from evenhand.telemetry.samples.recent_times import RecentTimes, Times
from evenhand.telemetry.samples.sample import (
    EngineSample,
    LaneSample,
    RestSample,
    Sample,
    TenantSample,
)
from evenhand.telemetry.samples.source import SeenEngine, Source

COMPARED_MAX = 5_000
"""Active tenants up to which it is computed what each was due; of more, that is left out."""

SHOWN_MIN = 32
"""Where fewer tenants are active, idle ones are shown up to so many, as they stand in the tree."""

_NO_TIMES = Times()


@dataclass(slots=True)
class _Second:
    """What was found in a second, before it is a sample."""

    received: dict[Node, int] = field(default_factory=dict)
    waits_ms: dict[Node, int] = field(default_factory=dict)
    in_all: int = 0
    """Units that were received; who was refunded more than that does not count."""
    due: dict[Node, int] = field(default_factory=dict)
    is_compared: bool = True
    """Whether `due` was computed."""
    jain_ppm: int | None = None
    kv_ppm: Mapping[TenantPath, int] | None = None


class Sampler:
    """Made once; `tick` once a second, on the loop's thread."""

    def __init__(
        self,
        source: Source,
        *,
        tenants_max: int,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`tenants_max` bounds the tenants of a sample."""
        self._source = source
        self._tenants_max = tenants_max
        self._wall_ms = wall_ms
        self._tree = source.scheduler.tree
        self._promised = Promised(self._tree)
        self._times = RecentTimes(source.metrics.tenants, tenants_max=tenants_max)
        self._fairness = Fairness()
        self._dominant = Dominant()
        self._history = History()
        self._units = array("q")  # by node index: where each counter stood a second ago
        self._units_in_all = 0
        self._backlogged: set[Node] = set()
        self._last = _Second()
        self._seq = 0
        self._at_ms = source.now_ms()
        self._counts = Counts()
        self._after: list[Callable[[Sample], None]] = []

    @property
    def latest(self) -> Sample | None:
        """The newest sample; None in the first second."""
        return self._history.latest

    def since(self, seq: int) -> list[Sample]:
        """Samples with a greater number, ascending; a quarter of an hour is remembered."""
        return self._history.since(seq)

    def beneath(self, tenant: TenantPath) -> list[TenantSample]:
        """That leaf, or the leaves beneath that node, as the newest sample would have them: also those
        that have no row in it. At most as many as a sample has."""
        node = self._tree.find(tenant)
        leaves = () if node is None else (leaf for leaf in subtree(node) if not leaf.children)
        return [self._row(leaf, self._last, 0) for leaf in islice(leaves, self._tenants_max)]

    def then(self, look: Callable[[Sample], None]) -> None:
        """`look` at every sample from here on, as soon as it is made."""
        self._after.append(look)

    def tick(self) -> Sample:
        """Make the next sample."""
        now_ms = self._source.now_ms()
        self._seq += 1
        active = self._active()
        second = self._last = self._second(active, now_ms)
        sample = self._sample(active, second, now_ms)
        self._history.add(sample)
        for look in self._after:
            look(sample)
        return sample

    def _active(self) -> list[Node]:
        """Leaves that have, or had in this second, an open request."""
        source, find = self._source, self._tree.find
        paths = source.metrics.tenants.take_ended().union(source.open_tenants())
        found = [find(path) for path in paths]
        return [leaf for leaf in found if leaf is not None and not leaf.children]

    def _second(self, active: Iterable[Node], now_ms: int) -> _Second:
        second, backlog, units = _Second(), self._source.scheduler.backlog, self._units
        missing = self._tree.index_end - len(units)
        if missing > 0:
            units.frombytes(bytes(8 * missing))
        waiting: set[Node] = set()
        claims: dict[Node, int] = {}
        for leaf in active:
            stands = leaf.service_units
            received = second.received[leaf] = stands - units[leaf.index]
            units[leaf.index] = stands
            if leaf.queued_requests:
                waiting.add(leaf)
                oldest = backlog.oldest(leaf, leaf.waiting_pools)
                second.waits_ms[leaf] = max(0, now_ms - oldest.queued_ms)
            claims[leaf] = max(0, received) + leaf.queued_units
        second.in_all = sum([units for units in second.received.values() if units > 0])
        second.is_compared = len(claims) <= COMPARED_MAX
        if second.is_compared:
            second.due = entitled(claims, second.in_all, self._tree.root)
            both = waiting & self._backlogged
            second.jain_ppm = self._fairness.second(
                {leaf: (second.received[leaf], second.due[leaf]) for leaf in both},
                self._request_units(),
            )
        self._backlogged = waiting
        return second

    def _request_units(self) -> int:
        """What a request has cost on average."""
        return self._tree.root.service_units // max(1, self._counts.ended)

    def _sample(self, active: Collection[Node], second: _Second, now_ms: int) -> Sample:
        source, root = self._source, self._tree.root
        scheduler, counts = source.scheduler, source.metrics.counts()
        seen = source.engines()
        engines = tuple([self._engine(engine) for engine in seen])
        second.kv_ppm = kv_shares(source.tokens_in_flight(), seen, engines)
        tenants = self._tenants(active, second)
        interval_ms, self._at_ms = now_ms - self._at_ms, now_ms
        units, self._units_in_all = root.service_units - self._units_in_all, root.service_units
        since_last = Counts(*(now - then for now, then in zip(counts, self._counts, strict=True)))
        self._counts = counts
        dominant, dominant_ppm = self._dominant.second(second.received)
        return Sample(
            seq=self._seq,
            at_ms=self._wall_ms(),
            interval_ms=interval_ms,
            tenants=tenants,
            rest=self._rest(tenants, units, second.in_all),
            active_tenants=len(active),
            backlogged_tenants=len(self._backlogged),
            lanes=tuple(
                LaneSample(
                    lane.name,
                    lane.waiting,
                    lane.in_flight,
                    lane.oldest_wait_ms,
                    lane.floor_slots,
                    lane.ceiling_slots,
                )
                for lane in source.lanes()
            ),
            engines=engines,
            queue_requests=scheduler.backlog.requests,
            queue_bytes=scheduler.backlog.bytes,
            oldest_wait_ms=max(second.waits_ms.values(), default=0),
            open_requests=scheduler.open_requests(),
            units=units,
            units_total=root.service_units,
            counts=counts,
            since_last=since_last,
            jain_1s_ppm=second.jain_ppm,
            jain_5min_ppm=self._fairness.five_minutes(),
            dominant=dominant,
            dominant_ppm=dominant_ppm,
        )

    def _tenants(self, active: Collection[Node], second: _Second) -> tuple[TenantSample, ...]:
        shown = self._shown(active, second)
        return tuple([self._row(leaf, second, place) for place, leaf in enumerate(shown)])

    def _row(self, leaf: Node, second: _Second, place: int) -> TenantSample:
        received = second.received.get(leaf, 0)
        is_active = leaf in second.received
        times = self._times.of(leaf.path, place, self._seq) if is_active else _NO_TIMES
        return TenantSample(
            leaf.path,
            leaf.weight,
            self._promised.ppm(leaf),
            _part(second.due.get(leaf, 0), second.in_all) if second.is_compared else None,
            _part(received, second.in_all),
            received,
            leaf.service_units,
            leaf.queued_requests,
            leaf.running_requests,
            second.waits_ms.get(leaf, 0),
            None if second.kv_ppm is None else second.kv_ppm.get(leaf.path, 0),
            *times,
        )

    def _shown(self, active: Collection[Node], second: _Second) -> list[Node]:
        """Those that received most and those that wait longest, half of the places each; then, if there
        is room, some that are idle. In the order of the tree."""
        chosen = dict.fromkeys(active)
        if len(active) > self._tenants_max:
            most = sorted(active, key=lambda leaf: second.received[leaf], reverse=True)
            longest = sorted(second.waits_ms, key=lambda leaf: second.waits_ms[leaf], reverse=True)
            half = self._tenants_max // 2
            chosen = dict.fromkeys([*longest[:half], *most][: self._tenants_max])
        room = min(SHOWN_MIN, self._tenants_max) - len(chosen)
        if room > 0:
            first = islice(self._tree.leaves, SHOWN_MIN + len(chosen))
            chosen |= dict.fromkeys(islice((leaf for leaf in first if leaf not in chosen), room))
        return sorted(chosen, key=lambda leaf: leaf.index)

    def _rest(
        self, tenants: Collection[TenantSample], units: int, in_all: int
    ) -> RestSample | None:
        """What the root has and no row: exact without a walk over the tree."""
        root = self._tree.root
        others = len(self._tree.leaves) - len(tenants)
        if not others:
            return None
        served = units - sum(row.units for row in tenants)
        return RestSample(
            others,
            MILLION - min(MILLION, sum(row.promised_ppm for row in tenants)),
            _part(served, in_all),
            served,
            root.service_units - sum(row.units_total for row in tenants),
            root.queued_requests - sum(row.queued for row in tenants),
            root.running_requests - sum(row.running for row in tenants),
        )

    def _engine(self, engine: SeenEngine) -> EngineSample:
        state = self._source.scheduler.capacity.engines.get(engine.name)
        report = engine.report
        return EngineSample(
            engine.name,
            engine.is_up,
            engine.reason,
            engine.is_drained,
            engine.circuit,
            0 if state is None else state.in_flight,
            0 if state is None else state.window,
            None if report is None else report.waiting,
            None if report is None else report.kv_used_permille,
            None if report is None else report.preemptions,
        )


def _part(units: int, in_all: int) -> int:
    return max(0, units) * MILLION // in_all if in_all else 0
