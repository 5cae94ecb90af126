"""The subscriber of one engine's events: keeps their order, asks again for what it has missed."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evenhand.engines.kv_events.contract import EventListener, KvEventsError
from evenhand.engines.kv_events.events import MalformedError, read_batch
from evenhand.engines.kv_events.follower import BlockFollower
from evenhand.engines.kv_events.numbering import Numbering, Place

_BATCHES_QUEUED_MAX = 10_000
"""Between two turns of the loop; ZMQ drops what is beyond, and that is a gap like any other."""
_BATCH_BYTES_MAX = 64 << 20
_REPLAY_S_MAX = 5.0
_BATCHES_REPLAYED_MAX = 100_000
_NUMBER_BYTES = 8
_END = b"\xff" * _NUMBER_BYTES
_RETRY_S = 1.0
_SILENT_S = 60.0
"""ZMQ connects to whatever is there and waits for ever, so a wrong address shows by nothing coming."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KvEndpoints:
    """ZMQ addresses (`tcp://HOST:PORT`): where batches are published, and where missed ones can be asked
    for; None: nowhere."""

    events: str
    replay: str | None = None


class KvEventsWatch:
    """`start` once, `stop` at the end. Nothing that the engine sends raises into the loop."""

    def __init__(
        self, endpoints: KvEndpoints, listener: EventListener, *, vocabulary: int | None
    ) -> None:
        """Raises KvEventsError where the packages are missing."""
        try:
            import msgspec  # noqa: PLC0415 - an optional extra
            import zmq.asyncio  # noqa: PLC0415 - an optional extra
        except ImportError:
            raise KvEventsError(
                "kv_events needs the packages pyzmq and msgspec: pip install 'evenhand[kv-events]'"
            ) from None
        self._zmq: Any = zmq
        self._decode = msgspec.msgpack.Decoder().decode
        self._decode_error: type[Exception] = msgspec.MsgspecError
        self._endpoints = endpoints
        self._listener = listener
        self._follower = BlockFollower(listener, vocabulary=vocabulary)
        self._numbering = Numbering()
        self._context: Any = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Subscribe. An endpoint that is not there yet is waited for."""
        self._context = self._zmq.asyncio.Context()
        self._task = asyncio.create_task(self._run(), name="kv events")

    async def stop(self) -> None:
        """Safe to call twice, or without start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        if self._context is not None:
            self._context.destroy(linger=0)
            self._context = None

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except self._zmq.ZMQError as error:
                self._listener.on_event("lost", reason=str(error))
            except Exception as error:  # noqa: BLE001 - a fault of ours must not end the gateway's beliefs
                self._listener.on_event("failed", reason=f"{type(error).__name__}: {error}")
            self._follower.begin(is_empty=False)
            self._numbering.begin_anew()
            await asyncio.sleep(_RETRY_S)

    async def _listen(self) -> None:
        zmq = self._zmq
        with self._context.socket(zmq.SUB) as events:
            events.set(zmq.RCVHWM, _BATCHES_QUEUED_MAX)
            events.set(zmq.MAXMSGSIZE, _BATCH_BYTES_MAX)
            events.set(zmq.SUBSCRIBE, b"")
            events.connect(self._endpoints.events)
            # What was stored before: all of it, if the engine still has its first batch.
            self._follower.begin(is_empty=True)
            await self._ask_again()
            if not self._numbering.next and not await events.poll(int(_SILENT_S * 1000)):
                self._listener.on_event("silent", after_s=_SILENT_S)
            while True:
                frames = await events.recv_multipart()
                await self._heard(frames)
                # What is there already is received without a turn of the loop.
                await asyncio.sleep(0)

    async def _heard(self, frames: Sequence[bytes]) -> None:
        if len(frames) < 2 or len(frames[-2]) != _NUMBER_BYTES:
            self._listener.on_event("malformed", reason="no number before the batch")
            return
        number = int.from_bytes(frames[-2], "big")
        place = self._numbering.heard(number)
        if place is Place.ANEW:
            self._listener.on_cleared("counts its events from the beginning")
            self._numbering.begin_anew()
            self._follower.begin(is_empty=True)
            place = self._numbering.heard(number)
        if place is Place.GAP:
            await self._ask_again()
            place = self._numbering.asked(number)
        if place is Place.GAP:
            self._miss(number)
        if place is not Place.KNOWN:
            self._take(number, frames[-1])

    def _miss(self, number: int) -> None:
        """Batches before this one are lost. What was known of blocks may be wrong from here on."""
        if self._numbering.next:  # else it ran before we came
            self._listener.on_event("gap", missed=number - self._numbering.next)
        self._follower.begin(is_empty=False)

    def _take(self, number: int, payload: bytes) -> None:
        self._numbering.took(number)
        try:
            events = read_batch(self._decode(payload))
        except (MalformedError, self._decode_error) as error:
            self._listener.on_event("malformed", reason=str(error))
            self._follower.begin(is_empty=False)
            return
        self._follower.take(events)

    async def _ask_again(self) -> None:
        """Take what is still there of the batches from the next on."""
        if self._endpoints.replay is None:
            return
        with self._context.socket(self._zmq.DEALER) as replay:
            replay.set(self._zmq.RCVHWM, _BATCHES_QUEUED_MAX)
            replay.set(self._zmq.MAXMSGSIZE, _BATCH_BYTES_MAX)
            replay.set(self._zmq.LINGER, 0)
            replay.connect(self._endpoints.replay)
            first = self._numbering.next
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REPLAY_S_MAX):
                    await replay.send_multipart([b"", first.to_bytes(_NUMBER_BYTES, "big")])
                    for _ in range(_BATCHES_REPLAYED_MAX):
                        frames = await replay.recv_multipart()
                        if self._is_last(frames):
                            return
                        self._asked(frames)
                        await asyncio.sleep(0)
        self._listener.on_event("no_replay", after_s=_REPLAY_S_MAX)

    def _is_last(self, frames: Sequence[bytes]) -> bool:
        return len(frames) < 2 or frames[-2] == _END

    def _asked(self, frames: Sequence[bytes]) -> None:
        if len(frames[-2]) != _NUMBER_BYTES:
            self._listener.on_event("malformed", reason="no number before a batch sent again")
            return
        number = int.from_bytes(frames[-2], "big")
        place = self._numbering.asked(number)
        if place is Place.GAP:
            self._miss(number)
        if place is not Place.KNOWN:
            self._take(number, frames[-1])
