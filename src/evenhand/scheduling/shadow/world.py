"""One of the two worlds that are compared: what happens to requests there, and the book of it."""

from dataclasses import dataclass

from evenhand.model import TenantPath
from evenhand.scheduling.shadow.book import Book
from evenhand.scheduling.shadow.contention import Contention


@dataclass(slots=True)
class Stay:
    """A request in one world. `row` is where it is counted; `since_ms` is when it began to wait, or to
    run. Several stretches of either add up: a request whose engine failed waits and runs twice."""

    tenant: TenantPath
    row: TenantPath
    since_ms: int
    waited_ms: int = 0
    served_ms: int = 0
    contended_ms: int = 0
    """What of `served_ms` was while tenants competed."""
    contention_mark_ms: int = 0


class World:
    """Told in order of time. A request comes by `arrived`, and goes by `ended` or `left`, once."""

    def __init__(self) -> None:
        self.book = Book()
        self._contention = Contention()

    def arrived(self, tenant: TenantPath, row: TenantPath, now_ms: int) -> Stay:
        self._contention.opened(tenant, now_ms)
        return Stay(tenant, row, now_ms)

    def started(self, stay: Stay, now_ms: int) -> None:
        """It waits no more, and occupies a slot."""
        stay.waited_ms += now_ms - stay.since_ms
        stay.since_ms = now_ms
        self._contention.waits(now_ms, -1)
        stay.contention_mark_ms = self._contention.elapsed_ms(now_ms)

    def returned(self, stay: Stay, now_ms: int) -> None:
        """Its engine failed; it waits again."""
        self._off_the_engine(stay, now_ms)
        self._contention.waits(now_ms, 1)

    def ended(self, stay: Stay, units: int, now_ms: int) -> None:
        """It has run. Its cost counts as spread evenly over its time at an engine."""
        self._off_the_engine(stay, now_ms)
        contended = units * stay.contended_ms // stay.served_ms if stay.served_ms else 0
        self._contention.closed(stay.tenant, now_ms)
        self.book.ended(stay.row, stay.waited_ms, now_ms, contended_units=contended, is_served=True)

    def left(self, stay: Stay, now_ms: int) -> None:
        """It ended while it waited."""
        stay.waited_ms += now_ms - stay.since_ms
        self._contention.waits(now_ms, -1)
        self._contention.closed(stay.tenant, now_ms)
        self.book.ended(stay.row, stay.waited_ms, now_ms, contended_units=0, is_served=False)

    def forget_open(self) -> None:
        """Begin anew without open requests; what is in the book stays."""
        self._contention = Contention()

    def _off_the_engine(self, stay: Stay, now_ms: int) -> None:
        stay.served_ms += now_ms - stay.since_ms
        elapsed_ms = self._contention.elapsed_ms(now_ms)
        stay.contended_ms += elapsed_ms - stay.contention_mark_ms
        stay.since_ms = now_ms
