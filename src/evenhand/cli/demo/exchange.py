"""One streamed chat completion over HTTP, as its client sees it."""

import asyncio
from collections.abc import Callable, Mapping

import orjson

from evenhand.cli.demo.record import End, Record
from evenhand.engines.http import EngineClient, Lost
from evenhand.wire.sse import EventSplitter, EventTooLong
from evenhand.wire.stream_meter import StreamMeter
from evenhand.workloads import Call

_EVENT_BYTES_MAX = 65_536
_ERROR_BYTES_MAX = 4_096
_TROUBLE_CHARACTERS_MAX = 160
_TOKENS_MAX = 4_096
_TOO_MANY_REQUESTS = 429
_PATH = "/v1/chat/completions"


def body_of(call: Call, *, model: str) -> bytes:
    """The request as JSON: streamed, with usage at the end, no randomness asked of the model."""
    return orjson.dumps(
        {
            "model": model,
            "messages": [{"role": m.role, "content": m.text} for m in call.messages],
            "max_tokens": call.output_tokens_max,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )


async def exchange(
    client: EngineClient, body: bytes, record: Record, *, clock: Callable[[], float]
) -> None:
    """Send and hear the whole answer, noting in `record` what comes when; failures are noted too.

    Cancelling closes the connection, and the record stays cut off.
    """
    listener = _Listener(record, clock)
    attempt = client.post(_PATH, body, (("content-type", "application/json"),), listener)
    try:
        await listener.over
    finally:
        attempt.abort()


class _Listener:
    """Hears one answer; `over` is done at its end, whatever the end is."""

    def __init__(self, record: Record, clock: Callable[[], float]) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._record = record
        self._clock = clock
        self._status = 0
        self._complaint = b""
        self._events = EventSplitter(event_bytes_max=_EVENT_BYTES_MAX)
        self._meter = StreamMeter(
            client_wants_usage=True, client_wants_each=False, asked_for_more=False
        )

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        del headers
        self._status = status

    def on_body(self, data: bytes) -> None:
        if self._status != 200:
            self._complaint = (self._complaint + data)[:_ERROR_BYTES_MAX]
            return
        if self.over.done():
            return
        try:
            events = self._events.feed(data)
        except EventTooLong:
            self._over(End.FAILED, f"sent an event of more than {_EVENT_BYTES_MAX} bytes")
            return
        now = self._clock()
        moments = self._record.token_at
        for event in events:
            before = self._meter.output_tokens
            self._meter.take(event)
            if self._meter.output_tokens > before and len(moments) < _TOKENS_MAX:
                moments.append(now)
            if self._meter.error_seen:
                self._over(End.FAILED, f"broke off: {_message(event.removeprefix(b'data: '))}")
                return

    def on_end(self) -> None:
        if self._status != 200:
            end = End.REFUSED if self._status == _TOO_MANY_REQUESTS else End.FAILED
            self._over(end, f"{self._status}: {_message(self._complaint)}")
        elif not self._meter.is_done:
            self._over(End.FAILED, "the answer ended without [DONE]")
        else:
            self._over(End.DONE, "")

    def on_lost(self, reason: Lost) -> None:
        self._over(End.FAILED, f"the gateway {reason.value}")

    def _over(self, end: End, trouble: str) -> None:
        if self.over.done():
            return
        record = self._record
        record.end = end
        record.trouble = trouble
        record.ended_at = self._clock()
        usage = self._meter.usage(input_tokens_estimate=0)
        record.usage = None if usage.is_estimate else usage
        self.over.set_result(None)


def _message(body: bytes) -> str:
    """The message of an OpenAI error body, else the body itself, cut short."""
    try:
        text = str(orjson.loads(body)["error"]["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        text = body.decode("utf-8", "replace").strip() or "no explanation"
    return " ".join(text.split())[:_TROUBLE_CHARACTERS_MAX]
