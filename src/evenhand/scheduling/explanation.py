"""Why a request waits, or waited: who was served instead, at which counters, and what decided it.

A request waits as long as no slot becomes free, or as others are started on the slots that do. So the
reasons are the starts during its stay: by an earlier request of its own tenant, by another tenant of
its lane whose turn it was, or by another lane.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from evenhand.model import LaneName, Outcome, RequestId, TenantPath
from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.decisions import Refusal
from evenhand.scheduling.history import History, PastStart, Stay, counters_of
from evenhand.scheduling.node import VIRTUAL_PER_UNIT, Node
from evenhand.scheduling.ticket import Ticket

_TENANTS_MAX = 16
"""Named; beyond that a list explains nothing."""


_REFUSING_GATES = {
    Outcome.THROTTLED: "oit",
    Outcome.RATE_LIMITED: "rate",
    Outcome.NO_ENGINE: "window",
}


@dataclass(frozen=True, slots=True)
class Instead:
    """A tenant that was served while the request waited. `gate` is what let it go first: "own" (an
    earlier request of the same tenant), "share" (its turn), "lane" (another lane). `tenant` and `own`
    are the two siblings between which the share tree chose, with their weights; counters are in units
    per unit of weight: the tenant's when it was started last, the own one at the end of the stay."""

    tenant: TenantPath
    lane: LaneName
    gate: str
    requests: int
    units: int
    sibling: TenantPath
    weight: int
    counter: int
    own: TenantPath
    own_weight: int
    own_counter: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """A sibling that waits and goes first at this moment, and its counter beside the own one."""

    tenant: TenantPath
    counter: int
    own_counter: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """`state` is "waiting", "started" or "refused". `gate` is what held it most: "own", "share" or
    "lane" as in `Instead`; "window": no slot became free for others either. Of what was refused it is
    what refused it, see `refusal`: "oit" (throttled), "rate", "limits" (of the queue, waiting time
    included), "window" (no engine was up).

    `instead` lists who was served on the engines it waits for, most work first; the rest of them is
    counted in `others`. `is_whole` False: what happened first is forgotten. `queued_before` counts the
    tenant's own requests that stand before it, `ahead` lists the siblings that go first at this moment.
    """

    id: RequestId
    state: str
    gate: str
    tenant: TenantPath
    lane: LaneName
    waited_ms: int
    instead: tuple[Instead, ...] = ()
    others: int = 0
    is_whole: bool = True
    queued_before: int = 0
    ahead: tuple[Ahead, ...] = ()
    refusal: Refusal | None = None


def explain_waiting(ticket: Ticket, backlog: Backlog, history: History, now_ms: int) -> Explanation:
    """Of a request that waits."""
    stay = Stay(
        ticket.request.id,
        ticket.leaf,
        ticket.pool,
        ticket.starts_before,
        None,
        now_ms - ticket.queued_ms,
    )
    lineage = [node for node in ticket.leaf.lineage if node.parent is not None]
    return _explanation(
        stay,
        history,
        state="waiting",
        queued_before=backlog.queued_before(ticket),
        ahead=tuple(line for node in reversed(lineage) for line in _siblings_ahead(node, ticket)),
    )


def explain_past(past: Stay | Refusal, history: History) -> Explanation:
    """Of a request that has been started or refused."""
    if isinstance(past, Stay):
        return _explanation(past, history, state="started")
    request, gate = past.request, _REFUSING_GATES.get(past.outcome, "limits")
    return Explanation(
        request.id, "refused", gate, request.tenant, request.lane, past.waited_ms, refusal=past
    )


def _explanation(
    stay: Stay,
    history: History,
    *,
    state: str,
    queued_before: int = 0,
    ahead: tuple[Ahead, ...] = (),
) -> Explanation:
    found = _grouped(stay, history.instead_of(stay))
    gates: dict[str, int] = {}
    for group in found:
        gates[group.gate] = gates.get(group.gate, 0) + group.requests
    named = sorted(found, key=lambda group: (-group.units, group.tenant))[:_TENANTS_MAX]
    return Explanation(
        id=stay.id,
        state=state,
        gate=max(gates, key=lambda gate: (gates[gate], gate), default="window"),
        tenant=stay.leaf.path,
        lane=stay.pool.lane,
        waited_ms=stay.waited_ms,
        instead=tuple(named),
        others=sum(gates.values()) - sum(group.requests for group in named),
        is_whole=history.is_whole(stay),
        queued_before=queued_before,
        ahead=ahead,
    )


def _grouped(stay: Stay, starts: Iterable[PastStart]) -> list[Instead]:
    """By tenant and lane, in the order of their last starts."""
    own_counters = stay.end.counters if stay.end else counters_of(stay.leaf, stay.pool)
    groups: dict[tuple[Node, LaneName], list[PastStart]] = {}
    for start in starts:
        groups.setdefault((start.leaf, start.pool.lane), []).append(start)
    return [_instead(stay, own_counters, group) for group in groups.values()]


def _instead(stay: Stay, own_counters: tuple[int, ...], group: list[PastStart]) -> Instead:
    last = group[0]
    own, other = stay.leaf.lineage, last.leaf.lineage
    # The two siblings are just below where the two lines meet.
    meets = next(node for node in own if node in other)
    own_level = max(0, own.index(meets) - 1)
    level = max(0, other.index(meets) - 1)
    gate = "share"
    if last.pool.lane != stay.pool.lane:
        gate = "lane"
    elif last.leaf is stay.leaf:
        gate = "own"
    return Instead(
        tenant=last.leaf.path,
        lane=last.pool.lane,
        gate=gate,
        requests=len(group),
        units=sum(start.units for start in group),
        sibling=other[level].path,
        weight=other[level].weight,
        counter=_units(last.counters, level),
        own=own[own_level].path,
        own_weight=own[own_level].weight,
        own_counter=_units(own_counters, own_level),
    )


def _units(counters: tuple[int, ...], level: int) -> int:
    # A tenant that was moved since had more or fewer above it.
    return counters[min(level, len(counters) - 1)] // VIRTUAL_PER_UNIT


def _siblings_ahead(node: Node, ticket: Ticket) -> list[Ahead]:
    assert node.parent is not None
    pool = ticket.pool
    view = node.parent.views[pool]
    own = node.counter(pool)
    ahead = [
        sibling
        for sibling in node.parent.waiting_children
        if sibling is not node and sibling in view and sibling.counter(pool) < own
    ]
    ahead.sort(key=lambda sibling: sibling.counter(pool))
    return [
        Ahead(
            sibling.path,
            sibling.counter(pool) // VIRTUAL_PER_UNIT,
            own // VIRTUAL_PER_UNIT,
        )
        for sibling in ahead[:_TENANTS_MAX]
    ]
