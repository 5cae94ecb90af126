"""Another policy, other lanes and limits in a scheduler that runs. Rule and promises: live-changes.md.

Who waits is taken out of the old parts and put into the new ones, at its place by arrival and with the
counters that it has; the new parts are told of what runs. Nothing is charged, refunded, started or
refused.
"""

from collections import Counter
from collections.abc import Iterator

from evenhand.scheduling.assembly import Assembly, Foundation, open_tickets
from evenhand.scheduling.lanes.lane import NORMAL_PRICE_PERCENT
from evenhand.scheduling.policy import PREFIX_INDEX_MIB, Policy
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.settings import SchedulerSettings
from evenhand.scheduling.ticket import Ticket


def obstacles(old: SchedulerSettings, new: SchedulerSettings, base: Foundation) -> Iterator[str]:
    """Why it is impossible, each with what to do. O(open requests)."""
    was, wanted = old.policy, new.policy
    if _part_values(was, "cost") != _part_values(wanted, "cost") or old.cost != new.cost:
        yield (
            "The counters of all tenants are kept in units of the cost, and with another they would"
            " compare old units with new ones. Keep the cost, or start anew."
        )
    if old.application_units != new.application_units:
        yield "What applications are expected to use is fixed from the start. Keep it, or start anew."
    if _reads(was) != _reads(wanted):
        yield (
            f"{was.name} and {wanted.name} are not alike in whether and how they compare prompts, which"
            " is prepared at the start. Choose one that is, or start anew."
        )
    if old.output_tokens_default != new.output_tokens_default or old.sheds != new.sheds:
        yield "What is charged ahead and who is shed is fixed from the start. Keep it, or start anew."
    yield from _lost_lanes(new, base)
    limits = new.limits
    if base.backlog.requests > limits.requests_max or base.backlog.bytes > limits.bytes_max:
        yield (
            f"{base.backlog.requests} requests of {base.backlog.bytes} bytes wait, more than would be"
            " allowed. Wait until there are fewer, or allow as many."
        )


def exchange(
    old: Assembly, new_settings: SchedulerSettings, base: Foundation, now_ms: int
) -> Assembly:
    """The new parts, with everybody in them. There were no obstacles."""
    waiting, running = open_tickets(base)
    passed = {} if old.lanes is None else old.lanes.passed()
    pools = {ticket: ticket.pool for ticket in waiting}
    for ticket in waiting:
        old.picking.leave(ticket)
        ticket.home = None
    assert not base.backlog.requests
    base.backlog.lanes([lane.name for lane in new_settings.lanes])
    new = Assembly(new_settings, base, old)
    new.running.units_peak = old.running.units_peak
    for state in base.capacity.engines.values():
        new.placement.engine_changed(state)
    for ticket in running:
        _tell_of_running(ticket, old, new, base, now_ms)
    if new.order is not old.order and new.settings.policy.order.hears_charges:
        for ticket in (*running, *(ticket for ticket in waiting if ticket.units)):
            new.order.charged(ticket, ticket.units, now_ms)
    base.tree.lifts = False  # nobody comes back from having idled
    for ticket in waiting:
        _price(ticket, new)
        ticket.pool = new.contest.pool_again(ticket)
        _keep_lifts(ticket, pools[ticket])
        new.picking.enter(ticket)
    base.tree.lifts = new_settings.policy.order.lifts
    if new.lanes is not None:
        new.lanes.keep_passed(passed)
    new.charges.lanes_changed(new_settings.lanes, {t.price_percent for t in (*waiting, *running)})
    return new


def _tell_of_running(
    ticket: Ticket, old: Assembly, new: Assembly, base: Foundation, now_ms: int
) -> None:
    assert ticket.engine is not None
    pool = new.contest.pool(ticket.request)
    ticket.pool = base.capacity.without(pool, ticket.failed_engine)
    if new.placement is not old.placement:
        new.placement.started(ticket, ticket.engine)
    if new.lanes is not None:
        new.lanes.started(ticket, ticket.engine, (), now_ms)


def _price(ticket: Ticket, new: Assembly) -> None:
    """What its start will cost by what is known and charged from here on. One that was preempted has
    paid."""
    if ticket.preempted_at is not None:
        return
    lane = None if new.lanes is None else new.lanes.lane(ticket.request.lane)
    ticket.price_percent = NORMAL_PRICE_PERCENT if lane is None else lane.price_percent
    new.charges.expect_at_any_price(ticket)


def _keep_lifts(ticket: Ticket, before: Pool) -> None:
    """In its new pool everybody above it stands where it stood in the old one."""
    if ticket.pool is before:
        return
    for node in ticket.leaf.lineage:
        lift = node.lifts.get(before, 0)
        if lift > node.lifts.get(ticket.pool, 0):
            node.lifts[ticket.pool] = lift


def _lost_lanes(new: SchedulerSettings, base: Foundation) -> Iterator[str]:
    if not new.lanes:
        return
    names = {lane.name for lane in new.lanes}
    lost = Counter(
        ticket.request.lane for ticket in base.tickets.values() if ticket.request.lane not in names
    )
    for name, count in sorted(lost.items()):
        yield (
            f"{count} requests of lane {name} are open. Wait until they have ended, or keep the lane."
        )


def _part_values(policy: Policy, seam: str) -> tuple[object, list[int]]:
    part, values = getattr(policy, seam), policy.values()
    return part, [values[parameter.name] for parameter in part.parameters]


def _reads(policy: Policy) -> tuple[bool, bool, int | None]:
    return (
        policy.reads_prefix,
        policy.asks_prefixes,
        policy.values().get(PREFIX_INDEX_MIB.name),
    )
