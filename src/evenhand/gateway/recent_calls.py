"""The calls that ended last, so that somebody with a request id in hand can be told what became of
it."""

from collections import OrderedDict

from evenhand.model import RequestId
from evenhand.telemetry import RequestRecord

CALLS_REMEMBERED = 4_096


class RecentCalls:
    """By request id. Bounded by number; the oldest goes first."""

    def __init__(self) -> None:
        self._records: OrderedDict[RequestId, RequestRecord] = OrderedDict()

    def ended(self, record: RequestRecord) -> None:
        """Remember a call. Ids are unique."""
        self._records[record["request_id"]] = record
        if len(self._records) > CALLS_REMEMBERED:
            self._records.popitem(last=False)

    def get(self, request_id: RequestId) -> RequestRecord | None:
        """None: no such call has ended, or too many have since."""
        return self._records.get(request_id)
