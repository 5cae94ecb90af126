"""Slow senders, slow readers and idle clients cost a bounded amount and come to an end."""

import asyncio
import json

import pytest

from evenhand.gateway.http import connection
from evenhand.model import Outcome
from support.edge import GET, Client, House, Seen, post, serving, wait

pytestmark = pytest.mark.usefixtures("scheme")

PIECE = b"x" * 16_384


async def trickle(client: Client, data: bytes) -> None:
    """Send byte after byte until the edge has had enough."""
    for byte in data:
        client.writer.write(bytes([byte]))
        await asyncio.sleep(0.002)


@pytest.mark.parametrize(
    ("data", "handlers"),
    [
        (b"", 0),
        (GET[:10], 0),
        (GET[:-2], 0),
        (post(b"body")[:-1], 1),
        (post(b"body")[:-4], 1),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", 1),
    ],
)
def test_sender_that_stops_is_told_408_and_closed(data: bytes, handlers: int) -> None:
    async def stopped(house: House) -> None:
        client = await house.ask(data)
        reply = await client.reply()
        assert reply.status == 408
        assert json.loads(reply.body)["error"]["code"] == "request_timeout"
        assert reply.headers["x-should-retry"] == "true"
        assert await client.ended() == b""
        assert [o.value for o in house.refused] == ["slow_sender"]
        assert [s.told for s in house.app.seen] == [["gone"]] * handlers

    serving(stopped, head_timeout_ms=30, body_timeout_ms=30)


@pytest.mark.parametrize("data", [GET[:-2] + b"A: " + b"b" * 5000, post(b"b" * 5000)])
def test_trickling_does_not_extend_the_time_to_send(data: bytes) -> None:
    async def trickling(house: House) -> None:
        client = await house.ask(data[:80])
        sending = asyncio.ensure_future(trickle(client, data[80:]))
        assert (await client.reply()).status == 408
        sending.cancel()

    serving(trickling, head_timeout_ms=60, body_timeout_ms=60)


def test_second_head_has_its_own_time_from_its_first_byte() -> None:
    async def second(house: House) -> None:
        client = await house.ask(GET)
        await client.reply()
        await client.send(GET[:5])
        assert (await client.reply()).status == 408

    serving(second, head_timeout_ms=40, idle_timeout_ms=60_000)


def test_idle_connection_is_closed_without_a_word() -> None:
    async def idle(house: House) -> None:
        client = await house.ask(GET)
        await client.reply()
        assert await client.ended() == b""
        assert house.refused == []

    serving(idle, idle_timeout_ms=30)


def test_waiting_for_the_answer_is_not_idling() -> None:
    async def waiting(house: House) -> None:
        client = await house.ask(post(b"body"))
        seen = await house.app.nth(1)
        # Longer than every limit below: none of them may count while the answer is ours to give.
        await asyncio.sleep(0.08)
        seen.response.send(200, [], b"late")
        assert (await client.reply()).body == b"late"

    serving(
        waiting,
        wait,
        idle_timeout_ms=20,
        head_timeout_ms=20,
        body_timeout_ms=20,
        write_stall_ms=20,
    )


async def fill(seen: Seen) -> None:
    """Stream as a good handler does, until the edge says that the client is slow."""
    seen.response.start(200, [])
    while "slow" not in seen.told:
        seen.response.write(PIECE)
        await asyncio.sleep(0)


# Inside TLS the loop's own client reads ahead while it is paused, so it is no slow reader, and forgets
# what it has not handed on when the stream ends. `test_http_over_tls.py` has readers that hold still.
only_plain = pytest.mark.parametrize("scheme", ["plain"], indirect=True)


@only_plain
def test_reader_that_stops_is_cut_and_its_handler_told() -> None:
    async def stalled(house: House) -> None:
        client = await house.connect(receive_bytes=4096)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(GET)
        seen = await house.app.nth(1)
        await fill(seen)
        await seen.until("gone")
        assert seen.told == ["body", "slow", "gone"]
        assert seen.why_gone is Outcome.SLOW_READER

    serving(stalled, wait, write_stall_ms=40)


def test_handler_that_will_not_stop_is_bounded() -> None:
    async def flooding(house: House) -> None:
        client = await house.connect(receive_bytes=4096)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(GET)
        seen = await house.app.nth(1)
        seen.response.start(200, [])
        most = 0
        while "gone" not in seen.told:
            seen.response.write(PIECE)
            most = max(most, seen.response.buffered_bytes())
            await asyncio.sleep(0)
        assert 100_000 < most <= 200_000 + len(PIECE) + 16
        assert seen.why_gone is Outcome.SLOW_READER

    serving(flooding, wait, client_buffer_bytes_max=200_000)


def test_reader_that_catches_up_is_served_to_the_end() -> None:
    async def catching_up(house: House) -> None:
        client = await house.connect(receive_bytes=4096)
        transport = client.writer.transport
        transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(GET)
        seen = await house.app.nth(1)
        await fill(seen)
        transport.resume_reading()  # type: ignore[attr-defined]
        reading = asyncio.ensure_future(client.reply())
        await seen.until("ready")
        seen.response.finish()
        assert (await reading).whole
        assert seen.told == ["body", "slow", "ready"]

    serving(catching_up, wait)


def test_reader_that_takes_little_by_little_is_not_taken_for_stalled() -> None:
    async def slowly(house: House) -> None:
        client = await house.connect(receive_bytes=4096)
        await client.send(GET)
        seen = await house.app.nth(1)
        seen.response.send(200, [], b"x" * 4_000_000)
        got = 0
        while got < 4_000_000:
            got += len(await client.reader.readexactly(50_000))
            await asyncio.sleep(0.004)
        assert seen.told == ["body"]

    serving(slowly, wait, write_stall_ms=150)


@pytest.mark.parametrize("closing", [b"", b"Connection: close\r\n"])
def test_answer_that_nobody_fetches_does_not_keep_the_connection(closing: bytes) -> None:
    async def unfetched(house: House) -> None:
        client = await house.connect(receive_bytes=4096)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(post(b"", closing))
        await (await house.app.nth(1)).until("body")
        await house.edge._wait_emptied()
        assert house.app.seen[0].told == ["body"]

    serving(
        unfetched,
        lambda seen: seen.response.send(200, [], b"x" * 8_000_000),
        write_stall_ms=40,
    )


@only_plain
def test_last_answer_may_be_fetched_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINGER_MS", 20)

    async def late(house: House) -> None:
        client = await house.connect(receive_bytes=4096)
        await client.send(post(b"", b"Connection: close\r\n"))
        await (await house.app.nth(1)).until("body")
        # Longer than a client may linger after the last byte has left, and it has not.
        await asyncio.sleep(0.08)
        assert len((await client.reply()).body) == 60_000

    serving(late, lambda seen: seen.response.send(200, [], b"x" * 60_000))


def test_one_large_piece_does_not_make_a_client_slow() -> None:
    async def large(house: House) -> None:
        client = await house.ask(GET)
        seen = await house.app.nth(1)
        seen.response.start(200, [])
        seen.response.write(b"x" * 5_000_000)
        seen.response.finish()
        assert len((await client.reply()).body) == 5_000_000

    serving(large, wait, client_buffer_bytes_max=100_000)


def test_refused_client_that_goes_on_sending_is_cut() -> None:
    async def endless(house: House) -> None:
        client = await house.ask(b"nonsense\r\n")
        with pytest.raises(ConnectionError):
            while True:
                await client.send(PIECE)

    serving(endless, body_bytes_max=100_000)


def test_five_hundred_idle_connections_do_not_hinder_an_honest_client() -> None:
    async def crowd(house: House) -> None:
        for _ in range(500):
            await house.ask(GET[:7])
        client = await house.connect()
        for _ in range(10):
            await client.send(GET)
            assert (await client.reply()).status == 200
        assert house.edge.connections == 501

    serving(crowd)
