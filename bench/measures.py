"""The measurements: each asks one target for a moment and gives its figures by row name."""

import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.answers import WHOLE_CHECKSUM, stream_checksum
from bench.load import BenchError, Connection, Exchange, Load, Target, chat
from bench.pinned import cpu_us

Figures = dict[str, float]
_LEAVING_S_MAX = 5.0
_ANSWER_S_MAX = 5.0
_REQUESTS_PER_S = 1000
_FEW_STREAMS_PACE_MS = 10
_MANY_STREAMS_PACE_MS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How long and how much; `make bench` takes the defaults."""

    seconds: float = 1.0
    """Of each measurement of requests, and of each window over streams."""
    in_flight: int = 32
    few_streams: int = 100
    many_streams: int = 1000
    repeats: int = 100
    """Of what is asked one by one."""


async def requests(target: Target, sizes: Sizes, *, prompt_bytes: int) -> tuple[float, float]:
    """CPU per request and median time, in microseconds, of answers that are not streamed."""
    asked = [chat(key, prompt_bytes=prompt_bytes) for key in target.keys]
    times_s: list[float] = []
    open_requests = sizes.in_flight

    def on_end(connection: Connection, exchange: Exchange) -> None:
        nonlocal open_requests
        times_s.append(exchange.ended_s - exchange.asked_s)
        if exchange.ended_s < ends_s:
            connection.ask(asked[connection.number % len(asked)])
            return
        open_requests -= 1
        if not open_requests:
            load.finish()

    load = Load(target, checksum=WHOLE_CHECKSUM, on_end=on_end)
    try:
        connections = await load.connect(sizes.in_flight)
        ends_s = time.monotonic() + sizes.seconds
        before_us = cpu_us(target.pids)
        for connection in connections:
            connection.ask(asked[connection.number % len(asked)])
        await load.done
        used_us = cpu_us(target.pids) - before_us
    finally:
        load.close()
    return used_us / len(times_s), statistics.median(times_s) * 1e6


async def paced_requests(target: Target, sizes: Sizes) -> float:
    """CPU per request at the same rate for every arm, microseconds. A proxy that is not busy wakes and
    is woken for each request, whoever it is; one that is saturated takes several at a time."""
    asked = [chat(key, prompt_bytes=2048) for key in target.keys]
    idle: list[Connection] = []
    answers = 0

    def on_end(connection: Connection, _exchange: Exchange) -> None:
        nonlocal answers
        answers += 1
        idle.append(connection)

    load = Load(target, checksum=WHOLE_CHECKSUM, on_end=on_end)
    try:
        idle += await load.connect(sizes.in_flight)
        due_s = time.monotonic()
        ends_s = due_s + sizes.seconds
        before_us = cpu_us(target.pids)
        while due_s < ends_s:
            due_s += 1 / _REQUESTS_PER_S
            await asyncio.sleep(due_s - time.monotonic())
            if idle:  # with all in flight the arm cannot follow; then there is one request less
                connection = idle.pop()
                connection.ask(asked[connection.number % len(asked)])
        async with asyncio.timeout(_ANSWER_S_MAX):
            while len(idle) < sizes.in_flight:  # noqa: ASYNC110 - the last ones come together
                await asyncio.sleep(0.001)
        used_us = cpu_us(target.pids) - before_us
        if load.done.done():
            load.done.result()
    finally:
        load.close()
    return used_us / answers


async def streams(target: Target, sizes: Sizes, *, count: int, pace_ms: int) -> float:
    """CPU per chunk in microseconds while so many streams run, each a chunk every `pace_ms`."""
    # All must have begun before the first has ended. A busy machine needs longer for that.
    for begin_ms in (300 + 2 * count, 1000 + 8 * count):
        found = await _streams(target, sizes, count=count, pace_ms=pace_ms, begin_ms=begin_ms)
        if found is not None:
            return found
    raise BenchError("the first stream ended before the last began: the machine is too busy")


async def _streams(
    target: Target, sizes: Sizes, *, count: int, pace_ms: int, begin_ms: int
) -> float | None:
    window_s = max(sizes.seconds, 5 * pace_ms / 1000)
    chunks = int((window_s * 1000 + begin_ms) / pace_ms)
    bench = {"pace_ms": pace_ms}
    asked = [chat(key, prompt_bytes=2048, bench=bench, chunks=chunks) for key in target.keys]
    begun: set[int] = set()
    open_streams = count
    events = 0
    all_begun, one_ended = asyncio.Event(), asyncio.Event()

    def on_piece(connection: Connection, piece: bytes) -> None:
        nonlocal events
        events += piece.count(b"\n\n")
        if not all_begun.is_set():
            begun.add(connection.number)
            if len(begun) == count:
                all_begun.set()

    def on_end(_connection: Connection, _exchange: Exchange) -> None:
        nonlocal open_streams
        open_streams -= 1
        one_ended.set()
        if not open_streams:
            load.finish()

    load = Load(target, checksum=stream_checksum(chunks), on_end=on_end, on_piece=on_piece)
    try:
        for connection in await load.connect(count):
            connection.ask(asked[connection.number % len(asked)])
        await _first(all_begun, load)
        before_us, before = cpu_us(target.pids), events
        await _first(one_ended, load, seconds_max=window_s)
        used_us, seen = cpu_us(target.pids) - before_us, events - before
        await load.done
    finally:
        load.close()
    return used_us / seen if seen else None


async def first_token(target: Target, sizes: Sizes) -> float:
    """Median time to the first token on one kept-alive connection, microseconds."""
    asked = chat(target.keys[0], prompt_bytes=2048, chunks=3)
    times_s: list[float] = []

    def on_end(connection: Connection, exchange: Exchange) -> None:
        times_s.append(exchange.first_s - exchange.asked_s)
        if len(times_s) < sizes.repeats:
            connection.ask(asked)
        else:
            load.finish()

    load = Load(target, checksum=stream_checksum(3), on_end=on_end)
    try:
        (await load.connect(1))[0].ask(asked)
        await load.done
    finally:
        load.close()
    return statistics.median(times_s) * 1e6


async def leaving(target: Target, engine: Target, sizes: Sizes, *, is_mid_stream: bool) -> float:
    """Median time from the client's closing to the engine's closed connection, microseconds."""
    bench = {"pace_ms": 60_000, "is_silent": not is_mid_stream}
    asked = chat(target.keys[0], prompt_bytes=2048, bench=bench, chunks=3)
    times_s = []
    for _ in range(max(3, sizes.repeats // 5)):
        heard = asyncio.Event()
        load = Load(target, checksum=0, on_end=_unheeded, on_piece=partial(_tell, heard))
        connection = (await load.connect(1))[0]
        before = len(await _left_s(engine))
        connection.ask(asked)
        if is_mid_stream:
            await _first(heard, load)
        else:
            await asyncio.sleep(0.01)
        left_s = time.monotonic()
        load.close()
        times_s.append(await _noticed_s(engine, before) - left_s)
    return statistics.median(times_s) * 1e6


def _unheeded(_connection: Connection, _exchange: Exchange) -> None:
    """Nobody waits for that answer to end."""


def _tell(event: asyncio.Event, _connection: Connection, _piece: bytes) -> None:
    event.set()


async def _noticed_s(engine: Target, before: int) -> float:
    """When the engine saw the next connection break."""
    async with asyncio.timeout(_LEAVING_S_MAX):
        while len(left_s := await _left_s(engine)) <= before:  # noqa: ASYNC110 - another process's event
            await asyncio.sleep(0.001)
    return left_s[before]


async def _left_s(engine: Target) -> list[float]:
    reader, writer = await asyncio.open_connection(engine.host, engine.port)
    writer.write(b"GET /left HTTP/1.1\r\nhost: engine\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    told: list[float] = json.loads(await reader.readexactly(length))
    writer.close()
    return told


async def _first(event: asyncio.Event, load: Load, *, seconds_max: float = 30.0) -> None:
    """Wait for the event, at most so long; a fault of the load comes first."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        either: set[asyncio.Future[Any]] = {waiting, load.done}
        await asyncio.wait(either, timeout=seconds_max, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if load.done.done():
        load.done.result()


async def all_of(target: Target, engine: Target, sizes: Sizes) -> Figures:
    """One turn of one arm. CPU is 0 where there is no proxy; the report leaves it out."""
    figures: Figures = {}
    for name, prompt_bytes in (("request_2k", 2048), ("request_32k", 32 * 1024)):
        used_us, median_us = await requests(target, sizes, prompt_bytes=prompt_bytes)
        figures |= {f"{name}_cpu_us": used_us, f"{name}_p50_us": median_us}
    figures["request_paced_cpu_us"] = await paced_requests(target, sizes)
    figures["chunk_few_streams_cpu_us"] = await streams(
        target, sizes, count=sizes.few_streams, pace_ms=_FEW_STREAMS_PACE_MS
    )
    figures["chunk_many_streams_cpu_us"] = await streams(
        target, sizes, count=sizes.many_streams, pace_ms=_MANY_STREAMS_PACE_MS
    )
    figures["first_token_p50_us"] = await first_token(target, sizes)
    figures["left_mid_stream_p50_us"] = await leaving(target, engine, sizes, is_mid_stream=True)
    figures["left_before_first_byte_p50_us"] = await leaving(
        target, engine, sizes, is_mid_stream=False
    )
    if not target.pids:
        figures = {name: value for name, value in figures.items() if not name.endswith("cpu_us")}
    return figures
