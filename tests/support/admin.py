"""The admin listener over real sockets, in front of a real scheduler."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.types import ASGIApp

from evenhand.gateway.admin import (
    AdminCredentials,
    AdminServer,
    Caller,
    CallStatus,
    Doors,
    EngineStatus,
    OpenCall,
    Role,
    admin_app,
    gateway_pages,
)
from evenhand.gateway.shadow_host import ShadowHost
from evenhand.gateway.tls import Certificate
from evenhand.model import RequestId
from evenhand.scheduling import Explanation, LaneStanding, Scheduler, TenantShare
from evenhand.telemetry import Metrics, RequestRecord, SchedulerCollector
from support.served_tenants import ENGINE, MODEL, scheduler_of


@dataclass
class PlainStatus:
    """A gateway that is what the test says it is."""

    scheduler: Scheduler = field(default_factory=lambda: scheduler_of([TenantShare(name="a")]))
    is_draining: bool = False
    shown: Sequence[EngineStatus] = (EngineStatus(ENGINE, is_up=True, reason="answers"),)
    request_units_max: int = 1_000
    version: str = "1.2.3"
    ledger_closed_because: str | None = None
    shadow: ShadowHost | None = None
    calls: dict[RequestId, CallStatus] = field(default_factory=dict)
    open: list[OpenCall] = field(default_factory=list)
    ended: list[tuple[RequestRecord, str | None]] = field(default_factory=list)
    now_ms: int = 0
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = Metrics(models=[MODEL], version=self.version)
        self.metrics.registry.register(SchedulerCollector(self.scheduler, tenants_max=10))

    def lanes(self) -> Sequence[LaneStanding]:
        return self.scheduler.lane_standings(self.now_ms)

    def open_calls(self) -> Iterator[OpenCall]:
        return iter(self.open)

    def ended_calls(self) -> Iterator[tuple[RequestRecord, str | None]]:
        return iter(self.ended)

    def call(self, request_id: RequestId) -> CallStatus | None:
        return self.calls.get(request_id)

    def why(self, request_id: RequestId) -> Explanation | None:
        return self.scheduler.why(request_id, self.now_ms)

    def uptime_ms(self) -> int:
        return 90_500

    def engines(self) -> Sequence[EngineStatus]:
        return self.shown


def app_of(status: PlainStatus, *, credential: str | None, tenants_max: int = 10) -> Starlette:
    """The admin application with the pages that every gateway has."""
    known = [] if credential is None else [(Caller("admin", Role.OWNER), credential)]
    credentials = AdminCredentials(known)
    doors = Doors([credentials.recognise], is_open=lambda: not credentials)
    return admin_app(gateway_pages(status, tenants_max=tenants_max), doors)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The OpenAI error body, which must be whole."""
        error: dict[str, Any] = self.json["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["message"]
        return error


@dataclass(frozen=True)
class Client:
    host: str
    port: int
    tls: ssl.SSLContext | None = None

    async def ask(
        self,
        path: str,
        *authorization: str,
        method: str = "GET",
        head: str = "",
        body: str = "",
        host: str = "localhost",
    ) -> Answer:
        """One request on a connection of its own; each `authorization` is a header line."""
        lines = [f"{method} {path} HTTP/1.1", f"host: {host}", "connection: close"]
        lines += [f"authorization: {value}" for value in authorization]
        request = "\r\n".join(lines) + "\r\n" + head + "\r\n" + body
        raw = await self.send(request.encode("latin-1"))
        top, _, answer = raw.partition(b"\r\n\r\n")
        status_line, *rest = top.decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in rest)
        # A cookie's value has both cases; tests of the others compare in lower case.
        headers = {
            name.lower(): value if name.lower() == "set-cookie" else value.lower()
            for name, value in pairs
        }
        return Answer(int(status_line.split()[1]), headers, answer)

    async def send(self, request: bytes) -> bytes:
        """What comes back until the listener closes; an error if it does not close at all."""
        reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.tls)
        try:
            writer.write(request)
            async with asyncio.timeout(10):
                return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def served(
    app: ASGIApp,
    *,
    certificate: Certificate | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Client]:
    """Serve on a free port of the loopback; with a `certificate`, to clients that connect with `tls`."""
    server = AdminServer(app, "127.0.0.1", 0, certificate=certificate)
    host, port = await server.start()
    try:
        yield Client(host, port, tls)
    finally:
        await server.stop()
