"""The admin server is a guest in the loop: it takes over nothing and leaves nothing."""

import asyncio
import contextlib
import logging
import signal
import socket

import pytest
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from evenhand.gateway.admin import AdminServer, connection
from support.admin import PlainStatus, app_of, served


def plain_app() -> Starlette:
    return app_of(PlainStatus(), credential=None, tenants_max=10)


def test_it_answers_on_the_port_that_it_tells_until_it_stops() -> None:
    async def main() -> None:
        server = AdminServer(plain_app(), "127.0.0.1", 0)
        host, port = await server.start()
        assert host == "127.0.0.1"
        assert port > 0
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        await server.stop()  # the idle connection is closed with it
        await reader.read()
        writer.close()
        with pytest.raises(OSError, match=r"[Cc]onnect"):
            await asyncio.open_connection(host, port)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    uvloop.run(main())


def test_signal_handlers_and_logging_stay_as_they_were() -> None:
    def watched() -> list[object]:
        root = logging.getLogger()
        return [
            signal.getsignal(signal.SIGINT),
            signal.getsignal(signal.SIGTERM),
            root.level,
            list(root.handlers),
            list(logging.getLogger("uvicorn").handlers),
            list(logging.getLogger("uvicorn.error").handlers),
        ]

    async def main() -> None:
        before = watched()
        async with served(plain_app()) as client:
            assert (await client.ask("/livez")).status == 200
            assert watched() == before
        assert watched() == before

    uvloop.run(main())


def test_an_address_in_use_is_an_error_and_not_the_end_of_the_process() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            server = AdminServer(plain_app(), "127.0.0.1", taken.getsockname()[1])
            with pytest.raises(OSError, match="in use"):
                await server.start()
            await server.stop()

    uvloop.run(main())


def test_stop_cuts_an_answer_that_does_not_end_and_one_that_nobody_reads() -> None:
    started = asyncio.Event()
    sending = asyncio.Event()

    async def endless(_: Request) -> Response:
        started.set()
        await asyncio.Event().wait()
        return PlainTextResponse("never")

    async def long(_: Request) -> Response:
        sending.set()
        return Response(bytes(64 << 20))

    async def main() -> None:
        app = plain_app()
        app.router.routes.extend([Route("/endless", endless), Route("/long", long)])
        server = AdminServer(app, "127.0.0.1", 0)
        host, port = await server.start()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n")
        with socket.create_connection((host, port)) as deaf:
            deaf.sendall(b"GET /long HTTP/1.1\r\nhost: localhost\r\n\r\n")
            await started.wait()
            await sending.wait()
            await server.stop()
            assert not server._server.server_state.connections
        assert b"never" not in await reader.read()
        writer.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    uvloop.run(main())


def test_a_half_sent_request_does_not_hold_up_the_stop() -> None:
    async def main() -> None:
        server = AdminServer(plain_app(), "127.0.0.1", 0)
        host, port = await server.start()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /livez HTTP/1.1\r\nhost:")
        async with asyncio.timeout(10):
            await server.stop()
            await reader.read()
        writer.close()

    uvloop.run(main())


def test_an_endless_request_head_is_cut_off() -> None:
    async def main() -> None:
        async with served(plain_app()) as client:
            reader, writer = await asyncio.open_connection(client.host, client.port)
            writer.write(b"GET /livez HTTP/1.1\r\nx: ")
            for _ in range(2_000):
                with contextlib.suppress(ConnectionError):
                    writer.write(b"a" * 10_000)
                    await writer.drain()
                    await asyncio.sleep(0)
                if reader.at_eof() or reader.exception() is not None:
                    break
            else:
                pytest.fail("20 MB of one header were taken")
            writer.transport.abort()

    uvloop.run(main())


@pytest.mark.parametrize(
    "sent", [b"", b"GET /livez HTT", b"GET /livez HTTP/1.1\r\nhost: localhost\r\n"]
)
def test_a_connection_without_a_whole_request_is_closed_in_the_end(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LIFE_S_MAX", 0.02)

    async def main() -> bytes:
        async with served(plain_app()) as client:
            return await client.send(sent)

    assert uvloop.run(main()) == b""


def test_it_listens_on_ipv6_too() -> None:
    async def main() -> None:
        server = AdminServer(plain_app(), "::1", 0)
        try:
            host, _ = await server.start()
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        assert host == "::1"
        await server.stop()

    uvloop.run(main())
