"""An edge on loopback with an application that remembers, and a client that speaks raw bytes."""

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import uvloop

from evenhand.gateway.http import Edge, EdgeSettings, RequestHead, Response
from evenhand.gateway.tls import Certificate, TlsFiles
from evenhand.model.outcome import Outcome
from evenhand.telemetry import RequestLog
from support.certificates import trusting

PAIR: TlsFiles | None = None
"""Where set, the edge and its clients speak TLS; the fixture `scheme` sets it."""

GET = b"GET /v1/models HTTP/1.1\r\nHost: gate\r\n\r\n"


def post(body: bytes, extra: bytes = b"") -> bytes:
    """Return a well-formed POST of `body`; `extra` is whole header lines."""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /v1/x HTTP/1.1\r\nHost: gate\r\n" + length + extra + b"\r\n" + body


@dataclass
class Seen:
    """One request as the application saw it."""

    head: RequestHead
    response: Response
    on_body: Callable[["Seen"], None]
    refused: list[Outcome]
    bodies: list[bytes] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    why_gone: Outcome | None = None

    def body(self, body: bytes) -> None:
        self.bodies.append(body)
        self._tell("body")
        self.on_body(self)

    def gone(self, why: Outcome | None) -> None:
        self.why_gone = why
        if why is not None:
            self.refused.append(why)
        self._tell("gone")

    def client_slow(self) -> None:
        self._tell("slow")

    def client_ready(self) -> None:
        self._tell("ready")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self.changed.set()

    async def until(self, what: str) -> None:
        """Wait until the edge has called `what`."""
        while what not in self.told:
            self.changed.clear()
            await self.changed.wait()


def echo(seen: Seen) -> None:
    """Answer at once: method, path and body."""
    line = f"{seen.head.method} {seen.head.path} ".encode()
    seen.response.send(200, [("content-type", "text/plain")], line + seen.bodies[0])


def wait(_: Seen) -> None:
    """Leave the answer to the test."""


class Recorder:
    """An application that takes every request, remembers it, and does `on_body` with it."""

    def __init__(self, on_body: Callable[[Seen], None] = echo) -> None:
        self.on_body = on_body
        self.refuse: Callable[[Seen], None] | None = None
        """Where set, answers every head at once; no handler is returned."""
        self.seen: list[Seen] = []
        self.refused: list[Outcome] = []
        """What the edge refused, whether it told us or a request's owner."""
        self._arrived = asyncio.Event()

    def request(self, head: RequestHead, response: Response) -> Seen | None:
        seen = Seen(head, response, self.on_body, self.refused)
        self.seen.append(seen)
        self._arrived.set()
        if self.refuse is not None:
            self.refuse(seen)
            return None
        return seen

    async def nth(self, count: int) -> Seen:
        """Wait for the `count`-th request (from 1)."""
        while len(self.seen) < count:
            self._arrived.clear()
            await self._arrived.wait()
        return self.seen[count - 1]


@dataclass
class Reply:
    """One answer as the client saw it. `whole` is False where it was cut short."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True


class Client:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, method: str = "GET") -> Reply:
        """Read one answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head[:-4].split("\r\n")
        headers = dict(f.split(": ", 1) for f in fields)
        status = int(line.split(" ")[1])
        if method == "HEAD" or status in {100, 204, 304}:
            return Reply(status, headers, b"")
        if "content-length" in headers:
            body = await self.reader.readexactly(int(headers["content-length"]))
            return Reply(status, headers, body)
        assert headers["transfer-encoding"] == "chunked"
        return await self._chunked(status, headers)

    async def _chunked(self, status: int, headers: dict[str, str]) -> Reply:
        body = b""
        try:
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        except (asyncio.IncompleteReadError, ConnectionError):
            return Reply(status, headers, body, whole=False)
        return Reply(status, headers, body)

    async def ended(self) -> bytes:
        """Read what is left until the edge closes."""
        try:
            return await self.reader.read()
        except ConnectionResetError:
            return b"<reset>"

    def half_close(self) -> None:
        """Send FIN; inside TLS without the goodbye of TLS itself, as from a client that was killed."""
        if self.writer.can_write_eof():
            self.writer.write_eof()
            return
        with socket.socket(fileno=os.dup(self.writer.get_extra_info("socket").fileno())) as sock:
            sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Leave with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass
class House:
    """What a test gets: the edge, what it serves, what it refused, and the way in."""

    edge: Edge
    app: Recorder
    refused: list[Outcome]
    port: int
    certificate: Certificate | None = None
    client_context: ssl.SSLContext | None = None
    clients: list[Client] = field(default_factory=list)

    async def connect(self, receive_bytes: int | None = None) -> Client:
        sock = socket.socket()
        if receive_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        except OSError:
            sock.close()
            raise
        limit = receive_bytes or 2**20
        tls = self.client_context
        name = None if tls is None else "localhost"
        reader, writer = await asyncio.open_connection(
            sock=sock, limit=limit, ssl=tls, server_hostname=name
        )
        client = Client(reader, writer)
        self.clients.append(client)
        return client

    async def ask(self, data: bytes) -> Client:
        """Connect and send."""
        client = await self.connect()
        await client.send(data)
        return client


def serving(
    test: Callable[[House], Awaitable[None]],
    on_body: Callable[[Seen], None] = echo,
    *,
    expect_errors: int = 0,
    **limits: int,
) -> None:
    """Run `test` against an edge; afterwards nothing may be left over and nothing have leaked.

    `expect_errors` is how often the loop's exception handler has to hear of a failure.
    """

    async def main() -> None:
        loop = asyncio.get_running_loop()
        errors: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, context: errors.append(context))
        app = Recorder(on_body)
        refused = app.refused
        log = RequestLog(lambda _: None)
        certificate = Certificate("data", PAIR, log) if PAIR else None
        edge = Edge(
            EdgeSettings(**limits),
            app,
            on_refused=refused.append,
            loop=loop,
            certificate=certificate,
        )
        _, port = await edge.listen("127.0.0.1", 0)
        house = House(edge, app, refused, port, certificate)
        if PAIR:
            house.client_context = trusting(PAIR)
        try:
            # A loop that waits for ever cannot be interrupted from outside.
            async with asyncio.timeout(20):
                await test(house)
        finally:
            for client in house.clients:
                client.writer.transport.abort()
            await edge.drain(0)
            log.close()
        assert edge.connections == 0
        assert len(errors) == expect_errors, errors

    uvloop.run(main())
