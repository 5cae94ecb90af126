"""A streamed answer on its way through: whole events in, the client's share of them out."""

from evenhand.model import Outcome, Usage
from evenhand.wire.sse import EventSplitter
from evenhand.wire.stream_meter import StreamMeter


class StreamedAnswer:
    """Splits, counts and filters. `feed` may raise EventTooLong."""

    def __init__(self, meter: StreamMeter, *, event_bytes_max: int, is_delimited: bool) -> None:
        self._splitter = EventSplitter(event_bytes_max=event_bytes_max)
        self._is_delimited = is_delimited
        self.meter = meter

    def feed(self, data: bytes) -> bytes:
        """What of these bytes the client gets; possibly nothing."""
        take = self.meter.take
        kept = [out for event in self._splitter.feed(data) if (out := take(event)) is not None]
        return kept[0] if len(kept) == 1 else b"".join(kept)

    def ending(self) -> Outcome:
        """How a stream that the engine has closed properly ended.

        Without `[DONE]` it is complete only if HTTP itself marked its end and no event was cut off:
        some servers leave `[DONE]` out, and a dying one looks the same on a bare close.
        """
        meter = self.meter
        if meter.error_seen:
            return Outcome.ENGINE_FAILED
        is_whole = self._is_delimited and not self._splitter.rest().strip()
        return Outcome.COMPLETED if meter.is_done or is_whole else Outcome.ENGINE_FAILED

    def usage(self, input_tokens_estimate: int) -> Usage:
        return self.meter.usage(input_tokens_estimate=input_tokens_estimate)
