"""The live feed: server-sent events, one sample a second, picked up where a browser lost it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from evenhand.gateway.admin import Caller, Page, Role, Status
from evenhand.gateway.admin.answer import error_answer
from evenhand.gateway.dashboard.past import past_json
from evenhand.gateway.dashboard.slice import tenant_slice
from evenhand.model import Outcome
from evenhand.telemetry.samples import Sample, Sampler, sample_json

STREAMS_MAX: Final = 64
STREAMS_OF_ONE_MAX: Final = 16
"""Of one caller: nobody shuts the others out."""
_LOOK_S: Final = 0.25
LIFE_S_MAX: Final = 300.0
"""Then the browser comes again by itself, and has to show anew who it is."""
_MISSED_MAX: Final = 30
"""Samples that are sent one after the other; who missed more is told the past as a whole."""

_HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # a proxy on the way would hold events back
    "x-content-type-options": "nosniff",
}


class LivePage:
    """Gives out the streams, and counts them."""

    def __init__(self, status: Status, sampler: Sampler) -> None:
        self._status = status
        self._sampler = sampler
        self._open: Counter[str] = Counter()
        self._encoded: tuple[int, bytes] = (-1, b"")

    def page(self) -> Page:
        """Its route."""
        return Page(
            path="/api/v1/live",
            role=Role.TENANT,
            answer=self._answer,
            summary="Server-sent events: a sample a second; a tenant's key gets its own part.",
        )

    async def _answer(self, request: Request, caller: Caller) -> Response:
        if self._status.is_draining:
            return error_answer(Outcome.SHUTTING_DOWN, "The gateway is shutting down.")
        mine = self._open[caller.name]
        if mine >= STREAMS_OF_ONE_MAX or self._open.total() >= STREAMS_MAX:
            return error_answer(
                Outcome.TOO_MANY_CONNECTIONS,
                f"{mine} live feeds are open by {caller.name}, {self._open.total()} in all. Close a "
                "page of the dashboard, or ask /api/v1/samples now and then.",
            )
        if request.method == "HEAD":
            return Response(headers=_HEADERS)
        return _Stream(self, caller, _seq(request.headers.get("last-event-id")))

    @contextlib.contextmanager
    def counted(self, caller: Caller) -> Iterator[None]:
        """Takes one of the streams for the length of the block."""
        self._open[caller.name] += 1
        try:
            yield
        finally:
            self._open[caller.name] -= 1
            if not self._open[caller.name]:
                del self._open[caller.name]

    async def events(self, caller: Caller, seen: int | None) -> AsyncIterator[bytes]:
        """What has come since `seen`; ends by itself when the gateway drains. An empty piece: nothing
        has come."""
        missed = None if seen is None else self._sampler.since(seen)
        if missed is None or len(missed) > _MISSED_MAX or not _continues(missed, seen):
            past = self._sampler.since(-1)
            yield _event("past", orjson.dumps(await past_json(past, caller.tenant)))
            seen = past[-1].seq if past else -1
            if past:
                yield self._sample(past[-1], caller)
        assert seen is not None
        ends_s = asyncio.get_running_loop().time() + LIFE_S_MAX
        while not self._status.is_draining:
            if asyncio.get_running_loop().time() > ends_s:
                return
            for sample in self._sampler.since(seen):
                yield self._sample(sample, caller)
                seen = sample.seq
            yield b""
        yield _event("end", b"{}")

    def _sample(self, sample: Sample, caller: Caller) -> bytes:
        if caller.tenant is not None:
            return _event("sample", orjson.dumps(tenant_slice(sample, caller.tenant)), sample.seq)
        if self._encoded[0] != sample.seq:
            # Once for all who watch.
            event = _event("sample", orjson.dumps(sample_json(sample)), sample.seq)
            self._encoded = (sample.seq, event)
        return self._encoded[1]


class _Stream(Response):
    """One answer that does not end before the browser or the gateway does."""

    def __init__(self, live: LivePage, caller: Caller, seen: int | None) -> None:
        super().__init__(headers=_HEADERS)
        self._live = live
        self._caller = caller
        self._seen = seen

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        # A browser that reads nothing stops us in `send`, and keeps its place until it is gone.
        with self._live.counted(self._caller):
            gone = asyncio.create_task(_hung_up(receive), name="evenhand-live")
            try:
                headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send(
                    {"type": "http.response.body", "body": b"retry: 2000\n\n", "more_body": True}
                )
                async for event in self._live.events(self._caller, self._seen):
                    if event:
                        await send({"type": "http.response.body", "body": event, "more_body": True})
                    else:
                        await asyncio.wait((gone,), timeout=_LOOK_S)
                    if gone.done():
                        return
                await send({"type": "http.response.body", "body": b""})
            finally:
                gone.cancel()
                await asyncio.gather(gone, return_exceptions=True)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(name: str, data: bytes, seq: int | None = None) -> bytes:
    number = b"" if seq is None else b"id: %d\n" % seq
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), number, data)


def _seq(header: str | None) -> int | None:
    """The number that a browser saw last; None: it has seen nothing of ours."""
    if header is None or not header.isascii() or not header.isdigit() or len(header) > 18:
        return None
    return int(header)


def _continues(missed: list[Sample], seen: int | None) -> bool:
    """Whether nothing is lost between what was seen and what is there."""
    return bool(missed) and seen is not None and missed[0].seq == seen + 1
