"""TLS at the edge, where it is more than the same over other bytes: the handshake, its failures and
limits, renewal, and readers that hold still."""

import asyncio
import json
import socket
import ssl
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path

import pytest

from evenhand.gateway.http import connection
from evenhand.gateway.tls import Certificate, TlsFiles, layer
from evenhand.model import Outcome
from support import edge
from support.certificates import make_pair, replace, serial_of, trusting
from support.edge import GET, House, post, serving, wait


@pytest.fixture(autouse=True)
def speaks_tls(monkeypatch: pytest.MonkeyPatch, pair: TlsFiles) -> None:
    monkeypatch.setattr(edge, "PAIR", pair)


async def bare(house: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection without TLS to the port that speaks it."""
    return await asyncio.open_connection("127.0.0.1", house.port)


def has_ended(reader: asyncio.StreamReader) -> bool:
    return reader.at_eof() or reader.exception() is not None


def certificate_of(house: House) -> Certificate:
    assert house.certificate is not None
    return house.certificate


def blocking(house: House, *, receive_bytes: int = 4096) -> ssl.SSLSocket:
    """A client that reads from its socket when it is told to, and never else. For a thread."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.connect(("127.0.0.1", house.port))
    assert house.client_context is not None
    # An end without the goodbye of TLS is an error to it, as to whoever cares that nothing is missing.
    return house.client_context.wrap_socket(
        sock, server_hostname="localhost", suppress_ragged_eofs=False
    )


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_large_bodies_pass_both_ways_under_either_version(version: ssl.TLSVersion) -> None:
    body = bytes(range(256)) * 16_000

    async def large(house: House) -> None:
        assert house.client_context is not None
        house.client_context.minimum_version = house.client_context.maximum_version = version
        client = await house.connect()
        for _ in range(2):
            await client.send(post(body))
            reply = await client.reply()
            assert reply.body == b"POST /v1/x " + body
        session = client.writer.get_extra_info("ssl_object")
        assert session.version() == {771: "TLSv1.2", 772: "TLSv1.3"}[version]

    serving(large)


def test_http_1_1_is_agreed_on_and_nothing_older_than_tls_1_2() -> None:
    async def agreed(house: House) -> None:
        assert house.client_context is not None
        house.client_context.set_alpn_protocols(["h2", "http/1.1"])
        client = await house.ask(GET)
        assert (await client.reply()).status == 200
        assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        assert certificate_of(house).context.minimum_version is ssl.TLSVersion.TLSv1_2
        # A client that cannot do better than 1.1 says so in its first words.
        reader, writer = await bare(house)
        writer.write(client_hello(newest=0x0302))
        alert = await reader.read()
        assert alert[:1] == b"\x15"
        assert alert[-1:] == b"\x46", "protocol_version"
        writer.close()
        await becomes(lambda: certificate_of(house).handshakes_failed == 1)

    serving(agreed)


def test_the_goodbye_of_tls_is_a_leaving_like_any_other() -> None:
    async def goodbye(house: House) -> None:
        client = await asyncio.to_thread(blocking, house)
        await asyncio.to_thread(client.sendall, GET)
        seen = await house.app.nth(1)
        client.settimeout(5)
        # It says that it sends no more, and keeps its socket open.
        with pytest.raises(ssl.SSLError):
            client.setblocking(False)
            client.unwrap()
        await seen.until("gone")
        await house.edge._wait_emptied()
        client.close()

    serving(goodbye, wait)


def test_our_end_is_told_by_tls_itself_so_that_no_answer_can_be_cut_short_unseen() -> None:
    async def ended(house: House) -> None:
        client = await asyncio.to_thread(blocking, house)
        await asyncio.to_thread(client.sendall, post(b"", b"Connection: close\r\n"))
        answer = await asyncio.to_thread(read_all, client)
        assert answer.startswith(b"HTTP/1.1 200 ")
        client.close()

    serving(ended)


def test_who_connects_and_says_nothing_is_counted_and_cut_in_time() -> None:
    async def silent(house: House) -> None:
        reader, writer = await bare(house)
        await becomes(lambda: house.edge.connections == 1)
        assert await reader.read() == b""
        await house.edge._wait_emptied()
        assert house.refused == [Outcome.SLOW_SENDER]
        assert certificate_of(house).handshakes_failed == 0, "it has not begun one"
        writer.close()

    serving(silent, head_timeout_ms=40)


def test_a_handshake_that_trickles_is_cut_in_time_however_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "LINGER_MS", 20)

    async def trickle(house: House) -> None:
        reader, writer = await bare(house)
        for byte in client_hello():
            writer.write(bytes([byte]))
            await asyncio.sleep(0.005)
            if reader.at_eof() or not house.edge.connections:
                break
        else:
            pytest.fail("a handshake of seconds was waited for")
        await becomes(lambda: certificate_of(house).handshakes_failed == 1)
        writer.close()

    serving(trickle, head_timeout_ms=60)


def test_handshakes_take_the_room_of_connections() -> None:
    async def full(house: House) -> None:
        writers = [(await bare(house))[1] for _ in range(2)]
        await becomes(lambda: house.edge.connections == 2)
        turned_away = await house.ask(GET)
        reply = await turned_away.reply()
        assert reply.status == 503
        assert json.loads(reply.body)["error"]["code"] == "too_many_connections"
        # Told whole, with the end that TLS has for it.
        another = await asyncio.to_thread(blocking, house)
        assert b"too_many_connections" in await asyncio.to_thread(read_all, another)
        another.close()
        for writer in writers:
            writer.close()
        await becomes(lambda: house.edge.connections == 0)
        assert (await (await house.ask(GET)).reply()).status == 200

    serving(full, connections_max=2)


def test_being_turned_away_in_the_handshake_costs_a_bounded_number_of_sockets() -> None:
    async def crowd(house: House) -> None:
        clients = [await bare(house) for _ in range(100)]
        await becomes(lambda: len(house.edge._turned_away) == 64)
        # Those beyond are cut at once, without a word.
        await becomes(lambda: sum(has_ended(reader) for reader, _ in clients) >= 35)
        assert house.edge.connections == 1
        for _, writer in clients:
            writer.transport.abort()

    serving(crowd, connections_max=1)


@pytest.mark.parametrize("verb", [b"GET", b"POST"])
def test_plain_http_is_told_what_to_write_and_closed(verb: bytes) -> None:
    async def plain(house: House) -> None:
        reader, writer = await bare(house)
        writer.write(GET.replace(b"GET", verb))
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert "https://" in json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]
        writer.close()
        await house.edge._wait_emptied()
        assert house.refused == [Outcome.BAD_REQUEST]
        assert not house.app.seen
        assert certificate_of(house).handshakes_failed == 1

    serving(plain)


@pytest.mark.parametrize(
    "noise", [b"\x00" * 64, b"SSH-2.0-x\r\n", b"\x16\x03\x01\x40\x00" + b"a" * 99]
)
def test_noise_ends_the_connection_and_logs_no_trace(noise: bytes) -> None:
    async def noisy(house: House) -> None:
        for _ in range(20):
            reader, writer = await bare(house)
            writer.write(noise)
            await writer.drain()
            if noise[:1] == b"\x16":
                writer.transport.abort()
            else:
                await reader.read()
                writer.close()
        await becomes(lambda: certificate_of(house).handshakes_failed == 20)
        await becomes(lambda: house.edge.connections == 0)

    serving(noisy)  # any word to the loop's exception handler fails it


def test_a_client_that_does_not_trust_us_leaves_nothing_behind() -> None:
    async def distrust(house: House) -> None:
        for _ in range(10):
            with pytest.raises(ssl.SSLError):
                await asyncio.open_connection(
                    "127.0.0.1",
                    house.port,
                    ssl=ssl.create_default_context(),
                    server_hostname="localhost",
                )
        await becomes(lambda: house.edge.connections == 0)

    serving(distrust)


def test_a_handshake_of_many_bytes_is_cut() -> None:
    async def endless(house: House) -> None:
        _, writer = await bare(house)
        # Records of a handshake message that says it is long, and goes on.
        body = b"\x01\x01\xff\xff" + bytes(16_000)
        sent = 0
        while house.edge.connections or not sent:
            writer.write(b"\x16\x03\x01" + len(body).to_bytes(2, "big") + body)
            sent += len(body)
            await asyncio.sleep(0)
            assert sent < 10_000_000
        writer.transport.abort()

    serving(endless)


@pytest.mark.parametrize("reply_bytes_max", [65_536, 100])
def test_updates_of_keys_are_answered_but_not_without_end(
    reply_bytes_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer, "_REPLY_BYTES_MAX", reply_bytes_max)

    async def updating(house: House) -> None:
        client = await asyncio.create_subprocess_exec(
            *("openssl", "s_client", "-tls1_3", "-connect", f"127.0.0.1:{house.port}"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        assert client.stdin is not None
        assert client.stderr is not None
        # Its word for "update your keys and let me update mine"; it tells each that it sent.
        for _ in range(5):
            client.stdin.write(b"K\n")
            while b"KEYUPDATE" not in (line := await client.stderr.readline()):
                if not line:
                    break
        if reply_bytes_max > 100:
            client.stdin.write(GET)
            await (await house.app.nth(1)).until("body")
            client.stdin.close()
        await house.edge._wait_emptied()
        await client.communicate()
        assert not house.refused, "it was not for a head that did not come"

    serving(updating)


def test_drain_does_not_wait_for_handshakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINGER_MS", 20)

    async def drained(house: House) -> None:
        reader, writer = await bare(house)
        writer.write(client_hello()[:40])
        busy = await house.ask(GET)
        seen = await house.app.nth(1)
        drain = asyncio.ensure_future(house.edge.drain(60_000))
        assert await reader.read() == b""
        seen.response.send(200, [], b"done")
        assert (await busy.reply()).body == b"done"
        assert await busy.ended() == b""
        assert await drain == 0
        writer.close()

    serving(drained, wait)


def test_a_new_pair_serves_the_next_connection_and_the_open_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = make_pair(tmp_path, "old"), make_pair(tmp_path, "new")
    monkeypatch.setattr(edge, "PAIR", old)
    before, after = serial_of(old), serial_of(new)
    trusted = trusting(old, new)

    async def renewed(house: House) -> None:
        house.client_context = trusted
        first = await house.ask(GET)
        seen = await house.app.nth(1)
        seen.response.start(200, [])
        seen.response.write(b"one")
        replace(old, new)
        certificate_of(house).reload()
        second = await house.ask(GET)
        for client, serial in ((first, before), (second, after)):
            assert client.writer.get_extra_info("peercert")["serialNumber"] == serial
        seen.response.write(b"two")
        seen.response.finish()
        assert (await first.reply()).body == b"onetwo"
        (await house.app.nth(2)).response.send(200, [], b"new")
        assert (await second.reply()).body == b"new"

    serving(renewed, wait)


def test_reader_that_stops_is_cut_and_its_handler_told() -> None:
    async def stalled(house: House) -> None:
        client = await asyncio.to_thread(blocking, house)
        await asyncio.to_thread(client.sendall, GET)
        seen = await house.app.nth(1)
        seen.response.start(200, [])
        while "slow" not in seen.told:
            seen.response.write(b"x" * 10_000)
            await asyncio.sleep(0)
        # A few more bytes now and then, as from an engine that is held back: no progress of the client.
        while "gone" not in seen.told:
            seen.response.write(b"x")
            await asyncio.sleep(0.005)
        assert seen.told == ["body", "slow", "gone"]
        assert seen.why_gone is Outcome.SLOW_READER
        client.close()

    serving(stalled, wait, write_stall_ms=40)


def test_last_answer_may_be_fetched_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINGER_MS", 20)

    def late(client: ssl.SSLSocket) -> bytes:
        client.sendall(post(b"", b"Connection: close\r\n"))
        # Longer than a client may linger after the last byte has left, and it has not.
        time.sleep(0.1)
        return read_all(client)

    async def slowly(house: House) -> None:
        client = await asyncio.to_thread(blocking, house)
        answer = await asyncio.to_thread(late, client)
        assert answer.count(b"x") == 400_000
        client.close()

    serving(slowly, lambda seen: seen.response.send(200, [], b"x" * 400_000))


def read_all(client: ssl.SSLSocket) -> bytes:
    answer = b""
    while piece := client.recv(65536):
        answer += piece
    return answer


def client_hello(*, newest: int = 0x0303) -> bytes:
    """First words of a client, without extensions; the version numbers are those of RFC 8446, 4.1.2."""
    suites = bytes.fromhex("c02bc02fc00ac0140035")
    hello = newest.to_bytes(2, "big") + bytes(32) + b"\0"
    hello += len(suites).to_bytes(2, "big") + suites + b"\1\0"
    message = b"\1" + len(hello).to_bytes(3, "big") + hello
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


async def becomes(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - states that announce themselves by no event
            await asyncio.sleep(0)
