"""The gateway as a running thing: two listeners, a start, and an orderly end."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.gateway.admin import Access, AdminServer, Page, admin_app
from evenhand.gateway.engine_window import EngineWindows
from evenhand.gateway.gateway import Gateway
from evenhand.gateway.http.edge import Edge
from evenhand.gateway.http.settings import EdgeSettings
from evenhand.gateway.status import GatewayStatus
from evenhand.gateway.tls import Certificate, CertificateWatch
from evenhand.telemetry import (
    CertificateCollector,
    HealthCollector,
    LaneCollector,
    LoopLag,
    ObservedCollector,
    RequestLog,
    SchedulerCollector,
    SignalCollector,
    WindowCollector,
)
from evenhand.telemetry.samples import SampleClock

_LAST_WORDS_MS = 1_000
"""After the drain: for the errors that end what was left to reach their clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where to listen, and with which certificates."""

    host: str
    port: int
    admin_host: str
    admin_port: int
    tenants_max: int
    admin_host_names: tuple[str, ...] = ()
    certificate: Certificate | None = None
    admin_certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """Where it listens; of use where a port was 0."""

    host: str
    port: int
    admin_host: str
    admin_port: int


class GatewayServer:
    """`start` once, then `drain` once. Signals are the caller's."""

    def __init__(
        self,
        gateway: Gateway,
        edge: EdgeSettings,
        listening: Listening,
        log: RequestLog,
        *,
        status: GatewayStatus,
        pages: Sequence[Page],
        access: Access,
        clock: SampleClock | None = None,
    ) -> None:
        """`pages` are those of the admin listener, which asks `access` who calls. `clock` makes samples
        while we serve."""
        self._clock = clock
        self._gateway = gateway
        self._listening = listening
        self._log = log
        loop = asyncio.get_running_loop()
        self._edge = Edge(
            edge,
            gateway,
            on_refused=gateway.refused_at_edge,
            loop=loop,
            certificate=listening.certificate,
        )
        self._admin = AdminServer(
            admin_app(pages, access, listening.admin_host_names),
            listening.admin_host,
            listening.admin_port,
            certificate=listening.admin_certificate,
        )
        both = (listening.certificate, listening.admin_certificate)
        self._certificates = [one for one in both if one is not None]
        self._certificate_watch = CertificateWatch(self._certificates)
        self._ended_by_us = 0
        self._lag = LoopLag(gateway.metrics.loop_lag.observe)
        collector = SchedulerCollector(
            gateway.dispatcher.scheduler, tenants_max=listening.tenants_max
        )
        gateway.metrics.registry.register(collector)
        gateway.metrics.registry.register(SignalCollector(status.engines))
        gateway.metrics.registry.register(HealthCollector(status.engines, gateway.retries))
        # There may be lanes later.
        lanes = LaneCollector(gateway.dispatcher.scheduler, gateway.dispatcher.now_ms)
        gateway.metrics.registry.register(lanes)
        if gateway.shadow is not None:
            gateway.metrics.registry.register(ObservedCollector(gateway.shadow.observation))
        self.windows = EngineWindows(gateway.dispatcher, loop)
        """To be told of engines: whether they are up, and what they report."""
        if self.windows.controls:
            gateway.metrics.registry.register(WindowCollector(self.windows.controls))
        if self._certificates:
            gateway.metrics.registry.register(CertificateCollector(self._certificates))

    async def start(self) -> Bound:
        """Serve. Raises OSError where an address cannot be bound; then nothing is left listening."""
        admin = await self._admin.start()
        try:
            data = await self._edge.listen(self._listening.host, self._listening.port)
        except OSError:
            await self._admin.stop()
            raise
        self._lag.start()
        if self._clock is not None:
            self._clock.start()
        self.windows.start()
        self._certificate_watch.start()
        bound = Bound(*data, *admin)
        self._log.event("started", listen=f"{bound.host}:{bound.port}")
        return bound

    async def drain(self) -> None:
        """Take nothing new, let what is open end within the limit, end the rest with an error that
        says so. Readiness is off from the first moment; the admin listener closes last."""
        gateway = self._gateway
        gateway.is_draining = True
        drain_ms = gateway.limits.drain_ms
        self._log.event("draining", open_requests=len(gateway.calls), limit_ms=drain_ms)
        loop = asyncio.get_running_loop()
        stop = loop.call_later(drain_ms / 1000, self.hurry)
        cut = await self._edge.drain(drain_ms + _LAST_WORDS_MS)
        stop.cancel()
        # Whoever is still here was not reachable in the second that was left.
        self.hurry()
        self.windows.close()
        gateway.dispatcher.close()
        self._lag.stop()
        if self._clock is not None:
            self._clock.stop()
        self._certificate_watch.stop()
        self._log.event("stopped", ended_by_us=self._ended_by_us, cut=cut)
        await self._admin.stop()

    def reload(self) -> bool:
        """Read the certificates again; whether there are any."""
        for certificate in self._certificates:
            certificate.reload()
        return bool(self._certificates)

    def hurry(self) -> None:
        """End what is open at once, each with an error that says so."""
        self._ended_by_us += self._gateway.stop_calls()
