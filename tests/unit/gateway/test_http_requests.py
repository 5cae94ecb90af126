"""Whole requests reach the application, however they travel; answers come back in order."""

import asyncio

import pytest

from evenhand.gateway.http.reader import RequestReader
from evenhand.gateway.http.settings import EdgeSettings
from support.edge import GET, House, Seen, post, serving, wait

pytestmark = pytest.mark.usefixtures("scheme")

CHUNKED = (
    b"POST /v1/x HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n00A\r\n, world!\r\n\r\n0\r\n\r\n"
)


def unauthorized(seen: Seen) -> None:
    seen.response.send(401, [], b"no")


@pytest.mark.parametrize("request_bytes", [GET, post(b"hello, world!\r\n"), CHUNKED])
def test_every_split_point_delivers_the_same_request(request_bytes: bytes) -> None:
    async def split(house: House) -> None:
        client = await house.connect()
        for at in range(1, len(request_bytes)):
            await client.send(request_bytes[:at])
            # Long enough for the edge to read the part; the result may not depend on it.
            for _ in range(3):
                await asyncio.sleep(0)
            await client.send(request_bytes[at:])
            assert (await client.reply()).status == 200
        first, *others = [(s.head, s.bodies) for s in house.app.seen]
        assert len(others) == len(request_bytes) - 2
        assert all(other == first for other in others)

    serving(split)


@pytest.mark.parametrize("request_bytes", [GET, post(b"hello, world!\r\n"), CHUNKED])
def test_reader_needs_the_last_byte_and_no_other(request_bytes: bytes) -> None:
    reader = RequestReader(EdgeSettings())
    for byte in GET:
        assert reader.head() is None
        reader.held += bytes([byte])
    assert reader.head()
    assert reader.body() == b""

    head, body = None, None
    for byte in request_bytes:
        assert body is None
        reader.held += bytes([byte])
        head = head or reader.head()
        body = reader.body() if head else None

    assert body in {b"", b"hello, world!\r\n"}
    assert not reader.held


def test_head_reaches_the_application_decoded_and_undisturbed() -> None:
    async def heads(house: House) -> None:
        extra = b"X-Evenhand-Interaction: \t a b\t\r\nAccept: a/b\r\nACCEPT: c/d\r\n"
        client = await house.ask(post(b"{}", extra))
        await client.reply()

        head = house.app.seen[0].head
        assert (head.method, head.path, head.content_length) == ("POST", "/v1/x", 2)
        assert head.headers == {
            "host": "gate",
            "content-length": "2",
            "x-evenhand-interaction": "a b",
            "accept": "a/b, c/d",
        }

    serving(heads)


def test_query_is_no_part_of_the_path() -> None:
    async def query(house: House) -> None:
        client = await house.ask(b"GET /v1/models?user=other HTTP/1.1\r\nHost: gate\r\n\r\n")
        assert (await client.reply()).body == b"GET /v1/models "

    serving(query)


def test_connection_is_reused_for_many_requests() -> None:
    async def reuse(house: House) -> None:
        client = await house.connect()
        for n in range(50):
            await client.send(post(b"%d" % n))
            reply = await client.reply()
            assert reply.body == b"POST /v1/x %d" % n
            assert "connection" not in reply.headers
        assert house.edge.connections == 1

    serving(reuse)


def test_pipelined_requests_are_answered_in_order_one_at_a_time() -> None:
    async def pipelined(house: House) -> None:
        client = await house.ask(post(b"one") + GET + CHUNKED)
        for n, chunk in enumerate((b"1", b"2", b"3"), start=1):
            seen = await house.app.nth(n)
            await seen.until("body")
            assert len(house.app.seen) == n
            seen.response.start(200, [])
            seen.response.write(chunk)
            seen.response.finish()
            assert (await client.reply()).body == chunk

    serving(pipelined, wait)


def test_a_thousand_pipelined_requests_are_all_answered_in_order() -> None:
    async def thousand(house: House) -> None:
        client = await house.ask(b"".join(post(b"%d" % n) for n in range(1000)))
        for n in range(1000):
            assert (await client.reply()).body == b"POST /v1/x %d" % n

    serving(thousand)


def test_chunked_body_arrives_whole() -> None:
    async def chunked(house: House) -> None:
        client = await house.ask(CHUNKED)
        assert (await client.reply()).body == b"POST /v1/x hello, world!\r\n"
        assert house.app.seen[0].head.content_length is None

    serving(chunked)


def test_chunked_body_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    async def limit(house: House) -> None:
        head = CHUNKED.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        client = await house.ask(head + b"32\r\n" + b"a" * 50 + b"\r\n32\r\n" + b"b" * 50 + b"\r\n")
        await client.send(b"0\r\n\r\n")
        assert (await client.reply()).status == 200
        await client.send(head + b"32\r\n" + b"a" * 50 + b"\r\n33\r\n")
        assert (await client.reply()).status == 413
        assert house.app.seen[1].told == ["gone"]
        assert await client.ended() == b""

    serving(limit, body_bytes_max=100)


def test_continue_is_sent_only_after_the_application_accepted() -> None:
    async def accepted(house: House) -> None:
        request = post(b"body", b"Expect: 100-continue\r\n")
        client = await house.ask(request[:-4])
        assert (await client.reply()).status == 100
        await client.send(b"body")
        assert (await client.reply()).body == b"POST /v1/x body"

        house.app.refuse = unauthorized
        await client.send(request[:-4])
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (401, "close")
        assert await client.ended() == b""

    serving(accepted)


def test_continue_is_left_out_when_the_body_is_there() -> None:
    async def eager(house: House) -> None:
        client = await house.ask(post(b"body", b"Expect: 100-continue\r\n"))
        assert (await client.reply()).status == 200

    serving(eager)


def test_refused_head_closes_the_connection_only_if_a_body_was_coming() -> None:
    async def refused(house: House) -> None:
        house.app.refuse = unauthorized
        client = await house.ask(GET + GET + post(b"body") + GET)
        assert [(await client.reply()).status for _ in range(3)] == [401, 401, 401]
        assert await client.ended() == b""
        assert len(house.app.seen) == 3

    serving(refused)


def test_streamed_answer_before_the_body_ends_the_connection_after_it() -> None:
    async def early(house: House) -> None:
        client = await house.ask(post(b"body")[:-1])
        seen = await house.app.nth(1)
        seen.response.start(200, [])
        await client.send(b"y" + GET)
        seen.response.write(b"early")
        seen.response.finish()
        reply = await client.reply()
        assert (reply.body, reply.headers["connection"]) == (b"early", "close")
        assert await client.ended() == b""
        assert seen.told == []
        assert len(house.app.seen) == 1

    serving(early)


def test_client_that_asks_for_close_gets_it() -> None:
    async def closing(house: House) -> None:
        client = await house.ask(post(b"a", b"Connection: TE, Close\r\n") + GET)
        assert (await client.reply()).headers["connection"] == "close"
        assert await client.ended() == b""
        assert len(house.app.seen) == 1

    serving(closing)


def test_unread_body_does_not_cost_the_client_its_refusal() -> None:
    async def upload(house: House) -> None:
        client = await house.connect()
        head = b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 3000000\r\n\r\n"
        client.writer.write(head + b"a" * 3_000_000)
        assert (await client.reply()).status == 413
        assert await client.ended() == b""

    serving(upload, body_bytes_max=2_000_000)
