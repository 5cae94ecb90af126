"""A client that leaves is noticed at once, in every phase, and its handler is told once."""

import pytest

from support.edge import GET, Client, House, post, serving, wait

pytestmark = pytest.mark.usefixtures("scheme")


def close(client: Client) -> None:
    client.writer.close()


def half_close(client: Client) -> None:
    client.half_close()


def reset(client: Client) -> None:
    client.reset()


leaving = pytest.mark.parametrize("leave", [close, half_close, reset])


async def emptied(house: House) -> None:
    """Wait until the connection has ended by itself."""
    assert await house.edge.drain(5_000) == 0


@leaving
def test_leaving_before_the_first_byte_or_in_the_head_reaches_nobody(leave: object) -> None:
    async def head(house: House) -> None:
        for part in (b"", GET[:20]):
            client = await house.ask(part)
            assert callable(leave)
            leave(client)
        await emptied(house)
        assert house.app.seen == []
        assert house.refused == []

    serving(head)


@leaving
def test_leaving_in_the_body_is_told(leave: object) -> None:
    async def body(house: House) -> None:
        client = await house.ask(post(b"body")[:-1])
        seen = await house.app.nth(1)
        assert callable(leave)
        leave(client)
        await seen.until("gone")
        assert seen.told == ["gone"]
        await emptied(house)

    serving(body)


@leaving
def test_leaving_while_waiting_for_the_answer_is_told(leave: object) -> None:
    async def waiting(house: House) -> None:
        client = await house.ask(post(b"body") + GET)
        seen = await house.app.nth(1)
        await seen.until("body")
        assert callable(leave)
        leave(client)
        await seen.until("gone")
        seen.response.send(200, [], b"late")
        seen.response.start(200, [])
        seen.response.write(b"late")
        seen.response.finish()
        seen.response.abort()
        assert seen.response.buffered_bytes() == 0
        await emptied(house)
        assert seen.told == ["body", "gone"]
        assert len(house.app.seen) == 1

    serving(waiting, wait)


@leaving
def test_leaving_in_the_middle_of_the_stream_is_told(leave: object) -> None:
    async def stream(house: House) -> None:
        client = await house.ask(GET)
        seen = await house.app.nth(1)
        seen.response.start(200, [])
        seen.response.write(b"data")
        await client.reader.readuntil(b"data\r\n")
        assert callable(leave)
        leave(client)
        await seen.until("gone")
        seen.response.write(b"more")
        await emptied(house)
        assert seen.told == ["body", "gone"]

    serving(stream, wait)


@leaving
def test_leaving_after_the_answer_is_nobodys_business(leave: object) -> None:
    async def after(house: House) -> None:
        client = await house.ask(GET)
        await client.reply()
        assert callable(leave)
        leave(client)
        await emptied(house)
        assert house.app.seen[0].told == ["body"]

    serving(after)


@pytest.mark.parametrize("scheme", ["plain"], indirect=True)
def test_request_and_leaving_in_one_segment_is_answered_if_the_answer_was_immediate() -> None:
    async def together(house: House) -> None:
        client = await house.connect()
        client.writer.write(GET)
        client.writer.write_eof()
        assert (await client.reply()).status == 200
        assert await client.ended() == b""

    serving(together)


def test_client_that_floods_ahead_of_its_turn_is_cut() -> None:
    async def flood(house: House) -> None:
        client = await house.ask(GET)
        seen = await house.app.nth(1)
        client.writer.write(GET * 2000)
        await seen.until("gone")
        assert len(house.app.seen) == 1

    serving(flood, wait, body_bytes_max=1000, head_bytes_max=1000)
