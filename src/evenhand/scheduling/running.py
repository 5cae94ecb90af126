"""Requests on engines: what starts, stops and is charged there, told to every part that has to know."""

from collections.abc import Iterable, Mapping

from evenhand.model import EngineName, RequestId
from evenhand.scheduling.charges import Charges
from evenhand.scheduling.lanes.lanes import Lanes
from evenhand.scheduling.node import Node
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.parts import Ground
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.ticket import Ticket
from evenhand.scheduling.whereabouts import Whereabouts


class Running:
    """Each `start` is followed by one `end`, with a `preempt` before each further start."""

    def __init__(
        self,
        ground: Ground,
        charges: Charges,
        where: Whereabouts,
        placement: Placement,
        order: Order,
        *,
        hears_charges: bool,
        lanes: Lanes | None,
    ) -> None:
        self._tree = ground.tree
        self._capacity = ground.capacity
        self._rate = ground.rate
        self._prefixes = ground.prefixes
        self._charges = charges
        self._measures_time = charges.clocks is not None
        self._where = where
        self._placement = placement
        self._order = order
        self._hears_charges = hears_charges
        self._lanes = lanes
        self.units_peak = 0
        """The most that a request was charged, as far as it was ever lowered since or has ended."""

    def start(self, ticket: Ticket, now_ms: int) -> EngineName:
        """Put it on an engine, which is returned. Charged now, with the answer expected, so that a burst
        is not free; one that was preempted is charged already."""
        if now_ms >= self._rate.second_ends_ms:
            self._rate.roll(now_ms)
        engine, before = self._where.place(ticket), ticket.units
        if ticket.preempted_at is None:
            cached_tokens = 0
            if self._prefixes is not None:
                request, name = ticket.request, engine.name
                cached_tokens = self._prefixes.started(request, name, ticket.input_tokens)
            ticket.units = self._charges.start(ticket, engine, cached_tokens, now_ms)
        else:
            self._charges.resume(ticket, engine, now_ms)
            ticket.preempted_at = None
        self._tree.occupy(ticket.leaf, 1, ticket.units - before)
        ticket.engine = engine.name
        self._capacity.take(engine)
        self._placement.started(ticket, engine.name)
        if self._lanes is not None:
            self._lanes.started(ticket, engine.name, self._tree.root.views, now_ms)
        if self._hears_charges:
            self._order.charged(ticket, ticket.units - before, now_ms)
        return engine.name

    def engine_us(self, ticket: Ticket, now_ms: int) -> int | None:
        """Its part of its engine's time, where the cost asks for it."""
        if ticket.engine is None:
            return ticket.engine_us_before
        return self._charges.engine_us(ticket, self._capacity.engines[ticket.engine], now_ms)

    def prompt_counted(
        self, ticket: Ticket, input_tokens: int, cached_tokens: int | None, now_ms: int
    ) -> None:
        """Charge what its start costs with these lengths; where it is not said what was cached, the same
        part of the prompt as before."""
        self._roll(now_ms)
        if self._prefixes is not None and ticket.engine is not None:
            self._prefixes.counted(ticket, ticket.engine, input_tokens, cached_tokens)
        if cached_tokens is None:
            cached_tokens = input_tokens * ticket.cached_tokens // max(1, ticket.input_tokens)
        ticket.input_tokens, ticket.cached_tokens = input_tokens, cached_tokens
        engine_us = self.engine_us(ticket, now_ms) if self._measures_time else None
        self._charge(ticket, 0, self._charges.counted(ticket, engine_us), now_ms)

    def produced_in_all(
        self,
        tickets: Mapping[RequestId, Ticket],
        totals: Iterable[tuple[RequestId, int]],
        output_units: int | None,
        now_ms: int,
    ) -> list[tuple[Ticket, int]]:
        """Charge what is new of these answers, leaf by leaf. Where a token has no fixed price
        (`output_units` None): nothing is charged, and they are returned with what is new."""
        if output_units is None or self._measures_time:
            have = [(tickets[request_id], total) for request_id, total in totals]
            found = [(ticket, total - ticket.produced_tokens) for ticket, total in have]
            return [(ticket, new) for ticket, new in found if new > 0]
        self._roll(now_ms)
        owed: dict[Node, int] = {}
        for request_id, total in totals:
            ticket = tickets[request_id]
            ticket.produced_tokens = total
            unpaid = total - ticket.paid_tokens
            if unpaid > 0:
                ticket.paid_tokens = total
                units = unpaid * output_units
                ticket.units += units
                owed[ticket.leaf] = owed.get(ticket.leaf, 0) + units
        for leaf, units in owed.items():
            self._tree.occupy(leaf, 0, units)
        return []

    def preempt(self, ticket: Ticket, now_ms: int) -> None:
        """It is off its engine, and what it is charged stays."""
        if self._measures_time:
            ticket.engine_us_before = self.engine_us(ticket, now_ms) or 0
        ticket.preempted_at = ticket.engine
        self._take_off(ticket, ticket.units, now_ms)
        ticket.engine, ticket.queued_ms = None, now_ms
        ticket.expected_units = 0  # nothing that waits is to be paid for

    def end(self, ticket: Ticket, units: int, now_ms: int) -> int:
        """Make `units` what it was charged in all, and say how much that added. Its slot is free."""
        charged = ticket.units
        if ticket.engine is None:
            self._roll(now_ms)
            self._charge(ticket, 0, units, now_ms)
        else:
            self._take_off(ticket, units, now_ms)
        if self._hears_charges:
            self._order.ended(ticket)
        self.units_peak = max(self.units_peak, units)
        ticket.units, ticket.leaf.last_ended_ms = 0, now_ms
        return units - charged

    def _take_off(self, ticket: Ticket, units: int, now_ms: int) -> None:
        engine = ticket.engine
        assert engine is not None
        self._roll(now_ms)
        if self._measures_time:
            self.engine_us(ticket, now_ms)
        self._capacity.release(engine)
        if self._lanes is not None:
            self._lanes.ended(ticket)
        self._placement.ended(ticket, engine, ticket.produced_tokens)
        self._charge(ticket, -1, units, now_ms)

    def _charge(self, ticket: Ticket, requests: int, units: int, now_ms: int) -> None:
        """Make `units` what it is charged, with so many more requests that run."""
        charged = ticket.units
        self.units_peak = max(self.units_peak, charged)
        self._tree.occupy(ticket.leaf, requests, units - charged)
        ticket.units = units
        if self._hears_charges:
            self._order.charged(ticket, units - charged, now_ms)

    def _roll(self, now_ms: int) -> None:
        if now_ms >= self._rate.second_ends_ms:
            self._rate.roll(now_ms)
