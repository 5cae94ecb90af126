"""One call in the ledger: held at admission, marked while it streams, ended once."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from evenhand.ledger import Hold
from evenhand.model import EngineName, Outcome, Request, Usage

if TYPE_CHECKING:  # the bookkeeper makes bookings, and they know it
    from evenhand.gateway.bookkeeping import Bookkeeper

MARK_TOKENS = 64
"""A stream that has produced so many tokens since its last mark is marked at once: what a crash can lose
of one stream."""


class Booking(Protocol):
    """What a call owes: exactly one of `settle` and `void`."""

    is_hard: bool
    """A hard budget stands behind it: neither dispatch nor the last byte goes ahead of the disk."""

    is_over_budget: bool
    """A soft budget was exceeded by it."""

    @property
    def hears_gpu_time(self) -> Callable[[int], None] | None:
        """Wants to know, after `settle` and at most once, how many microseconds of GPUs it was
        given; None: they cost nothing."""

    def produced(self, output_tokens: int) -> None:
        """So many output tokens have come in all. O(1), for every chunk."""

    def settle(self, usage: Usage, outcome: Outcome, engine: EngineName, units: int) -> None:
        """It has ended, and that much was used."""

    def void(self, outcome: Outcome) -> None:
        """It has ended without work that is charged."""

    def recorded(self, tell: Callable[[bool], None]) -> None:
        """Call `tell` when all of it so far is on disk (True) or cannot be put there (False)."""


class NoBooking:
    """Where nothing is kept."""

    is_hard = False
    is_over_budget = False
    hears_gpu_time = None

    def produced(self, output_tokens: int) -> None:
        """Nothing is kept."""

    def settle(self, usage: Usage, outcome: Outcome, engine: EngineName, units: int) -> None:
        """Nothing is kept."""

    def void(self, outcome: Outcome) -> None:
        """Nothing is kept."""

    def recorded(self, tell: Callable[[bool], None]) -> None:
        """Nothing has to be waited for."""
        tell(True)


class KeptBooking:
    """A hold in the books. See `Booking`."""

    __slots__ = (
        "_hold",
        "_is_moving",
        "_keeper",
        "_marked_tokens",
        "_request",
        "_usage_now",
        "is_hard",
        "is_over_budget",
    )

    def __init__(
        self,
        keeper: "Bookkeeper",
        hold: Hold,
        request: Request,
        usage_now: Callable[[], Usage],
        *,
        is_hard: bool,
    ) -> None:
        self._keeper = keeper
        self._hold = hold
        self._request = request
        self._usage_now = usage_now
        self._marked_tokens = 0
        self._is_moving = False
        self.is_hard = is_hard
        self.is_over_budget = hold.is_over_soft

    def produced(self, output_tokens: int) -> None:
        if output_tokens - self._marked_tokens >= MARK_TOKENS:
            self.mark()
        elif not self._is_moving:
            self._is_moving = True
            self._keeper.has_moved(self)

    def mark(self) -> None:
        """Note what was used so far, in case this process dies."""
        self._is_moving = False
        usage = self._usage_now()
        self._marked_tokens = usage.output_tokens
        self._keeper.books.mark(self._hold, usage)
        self._keeper.store.journalled()

    def settle(self, usage: Usage, outcome: Outcome, engine: EngineName, units: int) -> None:
        keeper = self._keeper
        self._stop_marks()
        keeper.books.settle(
            self._hold, usage, outcome, keeper.wall_ms(), engine=engine, units=units
        )
        keeper.store.journalled()
        if outcome is Outcome.COMPLETED:
            keeper.learn(self._request, usage)

    @property
    def hears_gpu_time(self) -> Callable[[int], None] | None:
        return self._gpu_time if self._hold.line.price.gpu_second else None

    def void(self, outcome: Outcome) -> None:
        self._stop_marks()
        self._keeper.books.void(self._hold, outcome, self._keeper.wall_ms())
        self._keeper.store.journalled()

    def recorded(self, tell: Callable[[bool], None]) -> None:
        self._keeper.store.recorded(tell)

    def _gpu_time(self, gpu_us: int) -> None:
        self._keeper.books.gpu_time(self._hold, gpu_us, self._keeper.wall_ms())
        self._keeper.store.journalled()

    def _stop_marks(self) -> None:
        if self._is_moving:
            self._is_moving = False
            self._keeper.has_ended(self)
