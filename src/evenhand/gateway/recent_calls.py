"""The calls that ended last, so that somebody with a request id in hand can be told what became of
it."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from evenhand.model import RequestId
from evenhand.telemetry import RequestRecord

CALLS_REMEMBERED = 4_096
_MESSAGE_CHARACTERS_MAX = 1_000


class RecentCall(NamedTuple):
    """`message` is the error that its client was told, cut to a bounded length; None: there was
    none."""

    record: RequestRecord
    message: str | None


class RecentCalls:
    """By request id. Bounded by number; the oldest goes first."""

    def __init__(self) -> None:
        self._calls: OrderedDict[RequestId, RecentCall] = OrderedDict()

    def ended(self, record: RequestRecord, message: str | None) -> None:
        """Remember a call. Ids are unique."""
        told = message and message[:_MESSAGE_CHARACTERS_MAX]
        self._calls[record["request_id"]] = RecentCall(record, told)
        if len(self._calls) > CALLS_REMEMBERED:
            self._calls.popitem(last=False)

    def last_first(self) -> Iterator[RecentCall]:
        """All of them."""
        return reversed(self._calls.values())

    def get(self, request_id: RequestId) -> RecentCall | None:
        """None: no such call has ended, or too many have since."""
        return self._calls.get(request_id)
