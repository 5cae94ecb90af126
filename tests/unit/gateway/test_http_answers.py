"""How answers are framed, and what a handler must not do."""

import asyncio
import socket

import pytest

from support.edge import GET, House, Seen, post, serving, wait

pytestmark = pytest.mark.usefixtures("scheme")

HEAD = GET.replace(b"GET", b"HEAD")


def test_head_gets_the_length_and_no_body() -> None:
    async def head(house: House) -> None:
        client = await house.ask(HEAD + GET)
        assert (await client.reply("HEAD")).headers["content-length"] == "16"
        assert (await client.reply()).body == b"GET /v1/models "

    serving(head)


def test_streamed_head_has_no_chunks() -> None:
    def stream(seen: Seen) -> None:
        seen.response.start(200, [])
        seen.response.write(b"data")
        seen.response.finish()

    async def head(house: House) -> None:
        client = await house.ask(HEAD + GET)
        assert (await client.reply("HEAD")).headers["transfer-encoding"] == "chunked"
        assert (await client.reply()).body == b"data"

    serving(head, stream)


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_body_have_no_framing(status: int) -> None:
    async def bodiless(house: House) -> None:
        client = await house.ask(GET + GET)
        for _ in range(2):
            reply = await client.reply()
            assert reply.status == status
            assert not {"content-length", "transfer-encoding"} & set(reply.headers)

    serving(bodiless, lambda seen: seen.response.send(status, [], b""))


def test_status_unknown_to_the_standard_is_passed_on() -> None:
    async def odd(house: House) -> None:
        assert (await (await house.ask(GET)).reply()).status == 529

    serving(odd, lambda seen: seen.response.send(529, [], b""))


def test_streamed_pieces_arrive_as_they_are_written() -> None:
    async def pieces(house: House) -> None:
        client = await house.ask(GET)
        response = (await house.app.nth(1)).response
        response.start(200, [("content-type", "text/event-stream")])
        assert b"text/event-stream" in await client.reader.readuntil(b"\r\n\r\n")
        for piece in (b"data: 1\n\n", b"x" * 17, b"\r\n0\r\n\r\n"):
            response.write(b"")
            response.write(piece)
            assert await client.reader.readuntil(b"\r\n") == b"%x\r\n" % len(piece)
            assert await client.reader.readexactly(len(piece) + 2) == piece + b"\r\n"
        response.finish()
        assert await client.reader.readexactly(5) == b"0\r\n\r\n"

    serving(pieces, wait)


def test_aborted_stream_is_never_taken_for_a_whole_one() -> None:
    async def aborted(house: House) -> None:
        client = await house.ask(GET + GET)
        seen = await house.app.nth(1)
        seen.response.start(200, [])
        seen.response.write(b"some")
        await asyncio.sleep(0)
        seen.response.abort()
        assert not (await client.reply()).whole
        assert seen.told == ["body"]
        assert len(house.app.seen) == 1

    serving(aborted, wait)


def test_large_answer_passes_the_stream_limit_whole() -> None:
    async def large(house: House) -> None:
        client = await house.ask(GET)
        assert len((await client.reply()).body) == 5_000_000
        await client.send(GET)
        assert len((await client.reply()).body) == 5_000_000

    serving(
        large,
        lambda seen: seen.response.send(200, [], b"x" * 5_000_000),
        client_buffer_bytes_max=100_000,
    )


def test_send_can_close() -> None:
    async def closing(house: House) -> None:
        client = await house.ask(GET + GET)
        assert (await client.reply()).headers["connection"] == "close"
        assert await client.ended() == b""

    serving(closing, lambda seen: seen.response.send(200, [], b"", close=True))


BAD_HEADERS = [
    ("x-a", "b\r\nset-cookie: c"),
    ("x-a", "b\nc"),
    ("x-a", "b\rc"),
    ("x-a\r\nb", "c"),
    ("x-a", "b\0"),
    ("Content-Length", "3"),
    ("transfer-encoding", "chunked"),
]


@pytest.mark.parametrize("header", BAD_HEADERS)
def test_header_that_would_break_the_framing_is_asserted(header: tuple[str, str]) -> None:
    async def broken(house: House) -> None:
        client = await house.ask(GET)
        assert (await client.reply()).status == 500

    serving(broken, lambda seen: seen.response.send(200, [header], b""), expect_errors=1)


def twice(seen: Seen) -> None:
    seen.response.send(200, [], b"one")
    seen.response.send(200, [], b"two")


def start_after_send(seen: Seen) -> None:
    seen.response.send(200, [], b"one")
    seen.response.start(200, [])


def write_before_start(seen: Seen) -> None:
    seen.response.write(b"one")


def finish_twice(seen: Seen) -> None:
    seen.response.start(200, [])
    seen.response.finish()
    seen.response.finish()


@pytest.mark.parametrize("misuse", [twice, start_after_send, write_before_start, finish_twice])
def test_answer_used_wrongly_is_asserted_and_no_second_answer_is_written(misuse: object) -> None:
    async def wrong(house: House) -> None:
        client = await house.ask(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert (await client.reply()).status in {200, 500}
        assert await client.ended() == b""

    assert callable(misuse)
    serving(wrong, misuse, expect_errors=1)


def test_failing_application_gives_500_and_is_reported() -> None:
    def fail(_: Seen) -> None:
        raise RuntimeError("a bug")

    async def failing(house: House) -> None:
        client = await house.ask(post(b"body"))
        assert (await client.reply()).status == 500
        assert house.app.seen[0].told == ["body", "gone"]

        house.app.refuse = fail
        client = await house.ask(post(b"body"))
        assert (await client.reply()).status == 500
        assert [o.value for o in house.refused] == ["internal_error"] * 2

    serving(failing, fail, expect_errors=2)


def test_small_writes_are_not_delayed() -> None:
    async def nodelay(house: House) -> None:
        await (await house.ask(GET)).reply()
        (connection,) = house.edge._served
        sock = connection._outlet._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    serving(nodelay)
