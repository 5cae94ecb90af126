"""From settings to the parts of a scheduler, each built for the others: at its beginning, and again when
some are exchanged while it runs."""

from dataclasses import dataclass

from evenhand.model import RequestId
from evenhand.scheduling.admission.following import follow_interactions
from evenhand.scheduling.admission.protocol import Admission
from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.capacity import Capacity
from evenhand.scheduling.charges import Charges
from evenhand.scheduling.contest import Contest
from evenhand.scheduling.interactions import Interactions
from evenhand.scheduling.lanes.lanes import Lanes
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.parts import Ground
from evenhand.scheduling.picking import Picking
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.policy import PREFIX_INDEX_MIB
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.running import Running
from evenhand.scheduling.service_rate import ServiceRate
from evenhand.scheduling.settings import SchedulerSettings
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket
from evenhand.scheduling.upkeep import Memories
from evenhand.scheduling.whereabouts import Whereabouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """What outlives every exchange: the accounts, what waits, the engines, the measured rate, and the
    open tickets."""

    tree: ShareTree
    backlog: Backlog
    capacity: Capacity
    rate: ServiceRate
    tickets: dict[RequestId, Ticket]


class Assembly:
    """The parts. `before` has those that these follow: what is of the same kind with the same values is
    taken over, with all that it has learned."""

    def __init__(
        self, settings: SchedulerSettings, base: Foundation, before: "Assembly | None" = None
    ) -> None:
        self.settings = settings
        policy, values = settings.policy, settings.policy.values()
        is_same = _Same(settings, before)
        self.prefixes = self._prefixes(before)
        self.interactions = self._interactions(before if is_same.interactions else None)
        self.lanes = Lanes(settings.lanes) if settings.lanes else None
        ground = self._ground(base)
        self.queue: TicketQueue
        self.order: Order
        self.placement: Placement
        self.admission: Admission
        if before is not None and is_same.turns:
            self.queue, self.order = before.queue, before.order
        else:
            if self.prefixes is not None:
                self.prefixes.listen_no_more()
            self.queue = policy.queue.build(ground, values, policy.order.asks_above_leaves)
            self.order = policy.order.build(ground, self.queue, values)
        if before is not None and is_same.placement:
            self.placement = before.placement
        else:
            self.placement = policy.placement.build(ground, values)
        self.where = Whereabouts(base.capacity, self.placement, self.queue)
        self.picking = Picking(
            ground,
            self.order,
            self.queue,
            hears_starts=policy.order.hears_starts,
            lanes=self.lanes,
            where=self.where if policy.queue.keeps_homes else None,
        )
        if before is not None and is_same.admission:
            self.admission = before.admission
        else:
            self.admission = follow_interactions(policy.admission.build(ground, values), ground)
        self.charges = self._charges(ground, is_same, before)
        self.running = Running(
            ground,
            self.charges,
            self.where,
            self.placement,
            self.order,
            hears_charges=policy.order.hears_charges,
            lanes=self.lanes,
        )
        self.contest = Contest(base.capacity, self.lanes, self.picking, base.tickets.values)
        self.memories = Memories(
            self.order, self.charges.prediction, self.placement, self.admission
        )

    def _charges(self, ground: Ground, is_same: "_Same", before: "Assembly | None") -> Charges:
        """One cost for ever; predictions come and go."""
        policy, values = self.settings.policy, self.settings.policy.values()
        if before is None:
            cost, prediction = policy.cost.build(ground, values), policy.prediction
            return Charges(cost, prediction.build(ground, values), self.settings.lanes)
        if not is_same.prediction:
            before.charges.prediction = policy.prediction.build(ground, values)
        return before.charges

    def _prefixes(self, before: "Assembly | None") -> Prefixes | None:
        """Which engine holds which prefix, where a part asks."""
        policy = self.settings.policy
        if not policy.asks_prefixes:
            return None
        kept = None if before is None else before.prefixes
        return kept or Prefixes(policy.values()[PREFIX_INDEX_MIB.name] << 20)

    def _interactions(self, before: "Assembly | None") -> Interactions | None:
        """Which calls belong together, where a part asks."""
        policy = self.settings.policy
        if not policy.follows_interactions:
            return None
        kept = None if before is None else before.interactions
        return kept or Interactions(policy.values())

    def _ground(self, base: Foundation) -> Ground:
        """What parts are built on."""
        settings = self.settings
        return Ground(
            tree=base.tree,
            backlog=base.backlog,
            capacity=base.capacity,
            rate=base.rate,
            weights=settings.cost,
            lanes=settings.lanes,
            output_tokens_default=settings.output_tokens_default,
            expected_work=lambda request: self.charges.expected_work(request),  # noqa: PLW0108 - built later
            expected_units=lambda request: self.charges.expected_units(request),  # noqa: PLW0108 - as well
            interactions=self.interactions,
            application_units=settings.application_units,
            prefixes=self.prefixes,
        )


class _Same:
    """Which parts are of the same kind with the same values as before."""

    def __init__(self, settings: SchedulerSettings, before: Assembly | None) -> None:
        self.interactions = self.turns = self.placement = self.admission = self.prediction = False
        if before is None:
            return
        old, new = before.settings, settings
        has_same_lanes = old.lanes == new.lanes

        def is_same(*seams: str) -> bool:
            return all(
                _part_with_values(old, seam) == _part_with_values(new, seam) for seam in seams
            )

        self.interactions = has_same_lanes and is_same("queue", "admission")
        self.turns = has_same_lanes and is_same("order", "queue")
        self.placement = is_same("placement") and (
            old.policy.queue.keeps_homes == new.policy.queue.keeps_homes
        )
        self.admission = has_same_lanes and is_same("queue", "admission")
        self.prediction = is_same("prediction")


def _part_with_values(settings: SchedulerSettings, seam: str) -> tuple[object, list[int]]:
    part, values = getattr(settings.policy, seam), settings.policy.values()
    return part, [values[parameter.name] for parameter in part.parameters]


def open_tickets(base: Foundation) -> tuple[list[Ticket], list[Ticket]]:
    """Those that wait and those that run, each by arrival."""
    every = sorted(base.tickets.values(), key=lambda ticket: ticket.sequence)
    waiting = [ticket for ticket in every if ticket.engine is None]
    return waiting, [ticket for ticket in every if ticket.engine is not None]
