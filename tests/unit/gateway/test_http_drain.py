"""Who is let in, and how the house is emptied."""

import asyncio
import json

import pytest

from support.edge import GET, House, post, serving, wait

pytestmark = pytest.mark.usefixtures("scheme")


def test_connection_beyond_the_limit_is_told_so_and_closed() -> None:
    async def full(house: House) -> None:
        first = await house.ask(GET)
        await first.reply()
        await (await house.ask(GET)).reply()

        turned_away = await house.ask(GET)
        reply = await turned_away.reply()
        assert reply.status == 503
        assert json.loads(reply.body)["error"]["code"] == "too_many_connections"
        assert reply.headers["x-should-retry"] == "true"
        assert reply.headers["retry-after"] == "1"
        assert await turned_away.ended() == b""
        assert [o.value for o in house.refused] == ["too_many_connections"]
        assert house.edge.connections == 2

        await first.send(GET)
        assert (await first.reply()).status == 200

    serving(full, connections_max=2)


def test_room_is_free_again_after_a_client_left() -> None:
    async def again(house: House) -> None:
        for _ in range(20):
            client = await house.ask(
                GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
            )
            assert (await client.reply()).status == 200
            assert await client.ended() == b""
            client.writer.close()
            await house.edge._wait_emptied()

    serving(again, connections_max=1)


@pytest.mark.parametrize("scheme", ["plain"], indirect=True)
def test_being_turned_away_costs_a_bounded_number_of_sockets() -> None:
    async def crowd(house: House) -> None:
        clients = [await house.connect() for _ in range(100)]
        statuses = await asyncio.gather(*(c.ended() for c in clients[1:]))
        told = [s for s in statuses if s.startswith(b"HTTP/1.1 503 ")]
        assert len(told) + sum(s in {b"", b"<reset>"} for s in statuses) == 99
        assert 1 <= len(told) <= 64

    serving(crowd, connections_max=1)


def test_drain_waits_for_open_answers_and_closes_them() -> None:
    async def drained(house: House) -> None:
        idle, busy, streaming = [await house.ask(GET) for _ in range(3)]
        asked = [await house.app.nth(n) for n in (1, 2, 3)]
        asked[0].response.send(200, [], b"")
        await idle.reply()
        asked[2].response.start(200, [])
        for seen in asked:
            await seen.until("body")

        drain = asyncio.ensure_future(house.edge.drain(60_000))
        assert await idle.ended() == b""
        asked[1].response.send(200, [], b"done")
        asked[2].response.finish()

        reply = await busy.reply()
        assert (reply.body, reply.headers["connection"]) == (b"done", "close")
        assert (await streaming.reply()).whole
        for client in (busy, streaming):
            assert await client.ended() == b""
            client.writer.close()
        idle.writer.close()
        assert await drain == 0
        assert house.edge.connections == 0

    serving(drained, wait)


def test_drain_cuts_what_is_left_at_its_deadline_and_says_how_many() -> None:
    async def cut(house: House) -> None:
        clients = [await house.ask(GET), await house.ask(post(b"body")[:-1])]
        stuck, half_read = await house.app.nth(1), await house.app.nth(2)

        assert await house.edge.drain(20) == 2

        assert house.edge.connections == 0
        assert stuck.told == ["body", "gone"]
        assert half_read.told == ["gone"]
        for client in clients:
            assert await client.ended() in {b"", b"<reset>"}

    serving(cut, wait)


def test_draining_edge_takes_no_new_connection() -> None:
    async def closed(house: House) -> None:
        await house.edge.drain(1_000)
        with pytest.raises(ConnectionRefusedError):
            await house.connect()

    serving(closed)


def test_request_half_read_when_the_drain_begins_is_served_and_closed() -> None:
    async def half(house: House) -> None:
        # In one segment: with the first answer, the second head's beginning has arrived.
        client = await house.ask(GET + GET[:9])
        await client.reply()

        drain = asyncio.ensure_future(house.edge.drain(60_000))
        await asyncio.sleep(0)
        await client.send(GET[9:])

        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        client.writer.close()
        assert await drain == 0

    serving(half)
