"""A streamed answer on its way through: whole events in, the client's share of them out."""

import orjson

from evenhand.model import Outcome, Usage
from evenhand.wire.answer_origin import AnswerOrigin, EventOrigin
from evenhand.wire.engine_error import engine_message, refusal_status
from evenhand.wire.meter import Meter
from evenhand.wire.sse import EventSplitter, payload


class StreamedAnswer:
    """Splits, counts and filters. `feed` may raise EventTooLong.

    Nothing is passed on after the last event (`[DONE]`, of completions), and neither is the engine's
    error event nor what follows it: the client is told of `error` once, in our words. The same goes for
    an event that is another's, if `origin` is there to tell.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        event_bytes_max: int,
        is_delimited: bool,
        origin: AnswerOrigin | EventOrigin | None = None,
    ) -> None:
        self._splitter = EventSplitter(event_bytes_max=event_bytes_max)
        self._is_delimited = is_delimited
        self._has_begun = False
        self._origin = origin
        self.meter = meter
        self.error: str | None = None
        """What the engine said went wrong, once it has said so inside the stream."""
        self.refusal: tuple[int, bytes] | None = None
        """Its status and error body, where that blames the request and came before anything else."""
        self.lie: str | None = None
        """What showed that an event was of another request or model."""

    def feed(self, data: bytes) -> bytes:
        """What of these bytes the client gets; possibly nothing."""
        if not self._splitter.rest:
            # Nearly always one event like the one before it, and many times a second.
            out = self.meter.take_alike(data)
            if out is not None:
                return out
        return self._take(self._splitter.feed(data))

    def end(self) -> bytes:
        """The engine has ended the stream properly: what of its last bytes the client still gets."""
        rest = self._splitter.end()
        return self._take([rest]) if rest is not None else b""

    def ending(self) -> Outcome:
        """How a stream that the engine has closed properly ended; ask after `end`.

        Without `[DONE]` it is complete only if HTTP itself marked its end, it had any event and none
        was cut off: some servers leave `[DONE]` out, and a dying one looks the same on a bare close. The
        last events of other APIs are never left out.
        """
        if self.meter.is_done:
            return Outcome.COMPLETED
        if self.meter.ends_marked:
            return Outcome.ENGINE_FAILED
        is_uncut = not self._splitter.rest.strip()
        is_whole = self._is_delimited and self._has_begun and is_uncut
        return Outcome.COMPLETED if is_whole else Outcome.ENGINE_FAILED

    def usage(self, input_tokens_estimate: int) -> Usage:
        return self.meter.usage(input_tokens_estimate=input_tokens_estimate)

    def _take(self, events: list[bytes]) -> bytes:
        meter = self.meter
        kept = []
        for event in events:
            if meter.is_done or self._is_of_another(event):
                break
            out = meter.take(event)
            if meter.error_seen:
                self._note_error(event)
                break
            self._has_begun = True
            if out is not None:
                kept.append(out)
        return kept[0] if len(kept) == 1 else b"".join(kept)

    def _is_of_another(self, event: bytes) -> bool:
        origin = self._origin
        if origin is None or origin.is_same(event):
            return False
        document = _loads(payload(event) or b"")
        if isinstance(document, dict):
            self.lie = origin.lie(document)
        return self.lie is not None

    def _note_error(self, event: bytes) -> None:
        data = payload(event) or b""
        document = _loads(data)
        self.error = engine_message(document) or "it gave no reason"
        status = refusal_status(document)
        if status is not None and not self._has_begun:
            self.refusal = (status, data)


def _loads(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None  # `[DONE]`, a comment, or what is none of ours to judge
