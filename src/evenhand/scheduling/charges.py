"""What a request is charged, from the first guess to what it really used.

Guessed when it comes and again at its pick, raised while it produces, and in the end replaced. Each time
the whole is computed anew and the difference charged, so that the sum of all charges is the cost of the
real work, exactly once, whatever the cost and in whatever order more is known.
"""

from collections.abc import Iterable, Sequence

from evenhand.model import Outcome, Request, Usage
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.cost.protocol import Cost, Work
from evenhand.scheduling.engine_clock import EngineClocks
from evenhand.scheduling.input_estimate import InputEstimate
from evenhand.scheduling.lanes.lane import NORMAL_PRICE_PERCENT, Lane, priced
from evenhand.scheduling.node import Node
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.prediction.error import PredictionErrors
from evenhand.scheduling.prediction.protocol import Prediction
from evenhand.scheduling.ticket import Ticket


class Charges:
    """Computes; the scheduler charges. Learns from what is told of the ended."""

    def __init__(self, cost: Cost, prediction: Prediction, lanes: Sequence[Lane]) -> None:
        self.cost = cost
        self.prediction = prediction
        self.errors = PredictionErrors()
        self.input = InputEstimate()
        self.clocks = EngineClocks() if cost.measures_time else None
        self.lanes_changed(lanes, ())

    def lanes_changed(self, lanes: Sequence[Lane], open_percents: Iterable[int]) -> None:
        """These are the lanes from here on; requests are open that cost `open_percents`."""
        prices = {NORMAL_PRICE_PERCENT, *open_percents, *(lane.price_percent for lane in lanes)}
        asked = [lane.price_percent for lane in lanes] or [NORMAL_PRICE_PERCENT]
        self._dearest_percent = max(asked)
        # Most costs are so many units a token, and most lanes cost the same: then nothing is asked.
        self._weights = self.cost.weights if prices == {NORMAL_PRICE_PERCENT} else None

    @property
    def output_units(self) -> int | None:
        """What each output token adds, where that is the same for all; None: ask `produced`."""
        return None if self._weights is None else self._weights.output

    # Before it runs.

    def ticket(
        self,
        request: Request,
        leaf: Node,
        pool: Pool,
        *,
        sequence: int,
        now_ms: int,
        lane: Lane | None,
    ) -> Ticket:
        """A ticket with a first guess."""
        price = NORMAL_PRICE_PERCENT if lane is None else lane.price_percent
        ticket = Ticket(request, leaf, pool, sequence, now_ms, price)
        self.expect(ticket)
        return ticket

    def expect(self, ticket: Ticket) -> None:
        """Guess what it will use and cost, none of its prompt cached: more is known each time."""
        request = ticket.request
        ticket.input_tokens = input_tokens = self.input.tokens(request)
        ticket.paid_tokens = ticket.predicted_tokens = output = self.prediction.tokens(request)
        weights = self._weights
        if weights is not None:
            ticket.expected_units = input_tokens * weights.input + output * weights.output
            return
        self._expect_units(ticket)

    def expect_at_any_price(self, ticket: Ticket) -> None:
        """As `expect`, also while the prices of lanes are about to change."""
        request = ticket.request
        ticket.input_tokens = self.input.tokens(request)
        ticket.paid_tokens = ticket.predicted_tokens = self.prediction.tokens(request)
        self._expect_units(ticket)

    def _expect_units(self, ticket: Ticket) -> None:
        ticket.pinned = pinned = self.cost.pin(ticket.request)
        units = self.cost.units(Work(ticket.input_tokens, 0, ticket.paid_tokens), pinned)
        ticket.expected_units = priced(units, ticket.price_percent)

    def expected_work(self, request: Request) -> Work:
        """What a request is expected to use that has not come in yet."""
        return Work(self.input.tokens(request), 0, self.prediction.tokens(request))

    def expected_units(self, request: Request) -> int:
        """What it would cost, at the normal price."""
        return self.cost.units(self.expected_work(request), self.cost.pin(request))

    def units_max(self, input_tokens: int, output_tokens: int) -> int | None:
        """The most that a request of no more tokens than these can cost; None: no tokens bound it."""
        units = self.cost.units_max(input_tokens, output_tokens)
        return None if units is None else priced(units, self._dearest_percent)

    # While it runs.

    def start(self, ticket: Ticket, engine: EngineState, cached_tokens: int, now_ms: int) -> int:
        """Units at its start on that engine, which does not count it yet. So many tokens of its prompt
        are in the engine's cache."""
        ticket.cached_tokens = cached_tokens
        if self.clocks is not None:
            clock_us = self.clocks.clock_us(engine.name, engine.in_flight, now_ms)
            ticket.engine_clock_us = clock_us
        if not cached_tokens:
            return ticket.expected_units
        work = Work(ticket.input_tokens, cached_tokens, ticket.paid_tokens)
        return priced(self.cost.units(work, ticket.pinned), ticket.price_percent)

    def produced(self, ticket: Ticket, engine: EngineState, now_ms: int) -> int:
        """Units to add, when it may have produced more than is paid for, or time has passed."""
        unpaid = ticket.produced_tokens - ticket.paid_tokens
        if unpaid > 0:
            ticket.paid_tokens = ticket.produced_tokens
        return max(0, self.counted(ticket, self.engine_us(ticket, engine, now_ms)) - ticket.units)

    def counted(self, ticket: Ticket, engine_us: int | None) -> int:
        """Units of a running request, now that the lengths of its prompt are known."""
        work = Work(ticket.input_tokens, ticket.cached_tokens, ticket.paid_tokens, engine_us)
        return priced(self.cost.units(work, ticket.pinned), ticket.price_percent)

    def resume(self, ticket: Ticket, engine: EngineState, now_ms: int) -> None:
        """It runs again on an engine, which does not count it yet, and is charged already."""
        if self.clocks is not None:
            clock_us = self.clocks.clock_us(engine.name, engine.in_flight, now_ms)
            ticket.engine_clock_us = clock_us - ticket.engine_us_before

    def engine_us(self, ticket: Ticket, engine: EngineState, now_ms: int) -> int | None:
        """Its part of its engine's time so far, where the cost asks for it. Must be asked before the
        number in flight there changes."""
        if self.clocks is None:
            return None
        clock_us = self.clocks.clock_us(engine.name, engine.in_flight, now_ms)
        return clock_us - ticket.engine_clock_us

    # When it has ended.

    def final(self, ticket: Ticket, usage: Usage, engine_us: int | None) -> int:
        """Units of what it really used."""
        work = Work(usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, engine_us)
        return priced(self.cost.units(work, ticket.pinned), ticket.price_percent)

    def learn(
        self, ticket: Ticket, usage: Usage, outcome: Outcome, engine_us: int | None, now_ms: int
    ) -> None:
        """It has ended. Answers that broke off say nothing of lengths; costs hear of all."""
        request = ticket.request
        if outcome is Outcome.COMPLETED:
            self.input.learn(request, usage)
            self.prediction.learn(request, usage.output_tokens)
            self.errors.note(request, ticket.predicted_tokens, usage.output_tokens)
        self.cost.learn(request, usage, engine_us or 0, now_ms)
