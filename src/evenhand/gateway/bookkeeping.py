"""The host around the ledger: calls open bookings, the books decide, group commit keeps them.

No policy here: how large a prompt can be, what a hold is worth and whether a budget allows it is the
ledger's to say.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from evenhand.gateway.admission import Refused
from evenhand.gateway.booking import Booking, KeptBooking, NoBooking
from evenhand.gateway.budget_words import budget_message, currency_message, unpriced_message
from evenhand.gateway.identity import Identity
from evenhand.ledger import (
    NOTHING_PRICED,
    Books,
    Bound,
    BudgetStanding,
    Consumer,
    InputBound,
    Line,
    OtherCurrency,
    OverBudget,
    PriceBook,
)
from evenhand.model import LaneName, ModelName, Outcome, Request, Usage
from evenhand.stores import GroupCommit

MARK_MS = 200
"""A stream that has produced tokens is marked again after so long, if not before (`MARK_TOKENS`)."""


class NoBookkeeping:
    """Where no state is configured: nothing is kept, nothing is limited."""

    closed_because: None = None

    def open(self, identity: Identity, request: Request, usage_now: Callable[[], Usage]) -> Booking:
        """A booking that books nothing."""
        del identity, request, usage_now
        return NoBooking()

    def is_bounded(self, identity: Identity) -> bool:
        """Nobody is under a hard budget."""
        del identity
        return False


class LowestLane(NamedTuple):
    """Where requests go that exceed a soft budget, and how long they may wait there."""

    name: LaneName
    queue_wait_ms_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingSettings:
    """`output_tokens_default` is held where the client names no maximum. `entries_max` bounds what may
    wait for the disk while the store is closed. `lowest_lane` None: there is no other."""

    prices: PriceBook = NOTHING_PRICED
    lowest_lane: LowestLane | None = None
    output_tokens_default: int = 256
    entries_max: int = 100_000


class Bookkeeper:
    """Opens bookings and marks their progress. One per process, on the loop's thread."""

    def __init__(
        self,
        books: Books,
        store: GroupCommit,
        settings: BookingSettings,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.books = books
        self.store = store
        self.settings = settings
        self._input = InputBound()
        # At the prices of this moment; bounded by the keys and the models of the configuration.
        self._lines: dict[tuple[object, ...], Line] = {}
        self._prices = settings.prices
        self._lines_until_ms = 0
        self.wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
        """Milliseconds since 1970. Prices and the periods of budgets follow it."""
        self.soft_exceeded = 0
        """Requests that exceeded a soft budget, since the start."""
        self._loop = loop
        # Streams that have produced tokens since their last mark; bounded by the open requests.
        self._unmarked: dict[KeptBooking, None] = {}
        self._tick: asyncio.TimerHandle | None = None

    def open(
        self, identity: Identity, request: Request, usage_now: Callable[[], Usage]
    ) -> Booking | Refused:
        """Hold the most that a request may use, or say why not. `usage_now` is asked at marks."""
        is_hard, store = self.is_bounded(identity), self.store
        if store.closed_because is not None and (
            is_hard or store.waiting_entries >= self.settings.entries_max
        ):
            message = "The usage ledger cannot be written at the moment. Try again later."
            return Refused(Outcome.LEDGER_CLOSED, message, retry_after_ms=2_000)
        at_ms = self.wall_ms()
        if at_ms >= self._lines_until_ms:
            self._forget_lines(at_ms)
        whose = (identity.key_id, identity.tenant, identity.application, request.model)
        line = self._lines.get(whose) or self._line(identity, request.model, at_ms)
        if line is None:
            return Refused(Outcome.NOT_PRICEABLE, unpriced_message(request.model), "model")
        bound = self._bound(request)
        hold = self.books.hold(request.id, line, bound, at_ms=at_ms, budget=identity.budget)
        if isinstance(hold, OverBudget):
            message = budget_message(hold, line.price.currency, identity.tenant)
            wait_ms = max(0, (hold.resets_ms or 0) - at_ms) if hold.fits_anew else None
            return Refused(Outcome.BUDGET_EXHAUSTED, message, retry_after_ms=wait_ms)
        if isinstance(hold, OtherCurrency):
            message = currency_message(request.model, hold)
            return Refused(Outcome.NOT_PRICEABLE, message, "model")
        store.journalled()
        if hold.is_over_soft:
            self.soft_exceeded += 1
            if self.settings.lowest_lane is not None:
                request.lane, request.queue_wait_ms_max = self.settings.lowest_lane
        return KeptBooking(self, hold, request, usage_now, is_hard=is_hard)

    def is_bounded(self, identity: Identity) -> bool:
        """Whether a hard budget is over that identity."""
        if identity.budget is not None:
            return True
        books = self.books
        return books.has_rules and books.is_bounded(identity.tenant, identity.key_id)

    @property
    def prices(self) -> PriceBook:
        """Those in force."""
        return self._prices

    def budgets(self) -> tuple[BudgetStanding, ...]:
        """How the budgets with periods stand now."""
        return self.books.standings(self.wall_ms())

    def price_by(self, prices: PriceBook) -> None:
        """From here on these hold. What is open keeps the price that it was opened at."""
        self._prices = prices
        self._lines_until_ms = 0

    @property
    def closed_because(self) -> str | None:
        """Why the ledger cannot be written; None while it can."""
        return self.store.closed_because

    def learn(self, request: Request, usage: Usage) -> None:
        """A completed request's usage tells how many tokens text makes."""
        if request.prompt_tokens is None:
            self._input.learn(request.model, request.prompt_bytes, usage)

    def has_moved(self, booking: KeptBooking) -> None:
        """It has produced tokens: mark it at the next tick."""
        self._unmarked[booking] = None
        if self._tick is None:
            self._tick = self._loop.call_later(MARK_MS / 1000, self._mark_all)

    def has_ended(self, booking: KeptBooking) -> None:
        """It needs no mark any more."""
        self._unmarked.pop(booking, None)

    def close(self) -> None:
        """Stop the clock. Bookings that are open stay their owners' to end."""
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def _forget_lines(self, at_ms: int) -> None:
        self._lines.clear()
        self._lines_until_ms = self._prices.holds_until_ms(at_ms)

    def _line(self, identity: Identity, model: ModelName, at_ms: int) -> Line | None:
        """None: the model has no price."""
        key, tenant, application = identity.key_id, identity.tenant, identity.application
        price = self._prices.price(model, at_ms)
        if price is None:
            return None
        line = self.books.line(Consumer(tenant, application, key), model, price)
        self._lines[key, tenant, application, model] = line
        return line

    def _bound(self, request: Request) -> Bound:
        input_tokens, each = request.prompt_tokens, request.output_tokens_max
        if input_tokens is None:
            input_tokens = self._input.tokens(request.model, request.prompt_bytes)
        if each is None:
            each = self.settings.output_tokens_default
        return Bound(input_tokens, each * request.choices)

    def _mark_all(self) -> None:
        self._tick = None
        moved, self._unmarked = self._unmarked, {}
        for booking in moved:
            booking.mark()
