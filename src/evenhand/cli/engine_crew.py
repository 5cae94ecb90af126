"""The engines of a configuration, started, watched and stopped together."""

import asyncio
from collections.abc import Callable

from evenhand.cli.composition import client_settings, embedded_settings
from evenhand.cli.config import Config, EmbeddedEngine, ResolvedSecrets, UrlEngine
from evenhand.engines.embedded import EmbeddedEngine as EmbeddedProcess
from evenhand.engines.health import HealthProbe
from evenhand.engines.http import EngineAddress, EngineClient
from evenhand.gateway.engine_link import EngineLink
from evenhand.model import EngineName, EngineReport, ModelName
from evenhand.wire.dialect import EngineKind

_FIRST_LOOK_S_MAX = 3.0

OnChange = Callable[[EngineLink, bool, str], None]
"""Called with an engine, whether it is up, and why."""

OnReport = Callable[[EngineLink, EngineReport | None], None]
"""Called with an engine and what it says of itself now; None: it has been silent for so long that what
it said last counts no more. `link.report` and `link.report_ms` are set already."""

OnRestart = Callable[[EngineLink, str], None]
"""Called with an engine whose counters went back, and which: it has restarted, its cache is empty."""


class EngineCrew:
    """`start` once, `watch` once the links are known to the dispatcher, `stop` at the end."""

    def __init__(self, config: Config, secrets: ResolvedSecrets) -> None:
        self._config = config
        self._secrets = secrets
        self._client_settings = client_settings(config)
        self._processes: list[EmbeddedProcess] = []
        self._probes: list[HealthProbe] = []
        self._first_looks: list[asyncio.Event] = []
        self._on_change: OnChange | None = None
        self._on_report: OnReport = lambda _link, _report: None
        self._on_restart: OnRestart = lambda _link, _which: None
        self.links: list[EngineLink] = []

    async def start(self) -> None:
        """Reach out to the URLs and start the embedded engines.

        Raises EmbeddedEngineError, with what to do; `stop` is still owed.
        """
        for engine in self._config.engines:
            if isinstance(engine, EmbeddedEngine):
                await self._start_embedded(engine)
            else:
                self._connect(engine)

    def watch(
        self,
        on_change: OnChange,
        *,
        on_report: OnReport | None = None,
        on_restart: OnRestart | None = None,
    ) -> None:
        """Report every change from here on, beginning with what is up at this moment."""
        self._on_change = on_change
        self._on_report = on_report or self._on_report
        self._on_restart = on_restart or self._on_restart
        for link in self.links:
            if link.kind is EngineKind.EMBEDDED:
                on_change(link, link.is_up, link.reason)
        for probe in self._probes:
            probe.start()

    async def looked_once(self) -> None:
        """Return when each engine was probed once, or when one is taking its time: a gateway that has
        just started then does not refuse what a healthy engine could serve."""
        unseen = [first.wait() for first in self._first_looks]
        try:
            async with asyncio.timeout(_FIRST_LOOK_S_MAX):
                await asyncio.gather(*unseen)
        except TimeoutError:
            return  # it counts as down until its probe has ended

    async def stop(self) -> None:
        """Close all connections, end all processes."""
        for probe in self._probes:
            await probe.stop()
        for link in self.links:
            await link.client.close()
        for process in self._processes:
            await process.stop()

    async def _start_embedded(self, engine: EmbeddedEngine) -> None:
        changes: list[EngineLink] = []

        def on_change(is_up: bool) -> None:  # noqa: FBT001 - the launcher's signature
            for link in changes:
                self._changed(link, is_up, "serves" if is_up else "is being restarted")

        process = EmbeddedProcess(embedded_settings(engine), on_change=on_change)
        self._processes.append(process)
        await process.start()
        link = EngineLink(
            name=EngineName(engine.name),
            kind=EngineKind.EMBEDDED,
            models=frozenset(ModelName(model) for model in engine.models),
            window=engine.window,
            client=EngineClient(EngineAddress.parse(process.url), self._client_settings),
            report_unreachable=lambda: None,  # its launcher watches the process itself
            is_up=True,
            reason="serves",
        )
        changes.append(link)
        self.links.append(link)

    def _connect(self, engine: UrlEngine) -> None:
        address = EngineAddress.parse(str(engine.url))
        secret = self._secrets.engines.get(engine.name)
        headers = (("authorization", f"Bearer {secret.reveal()}"),) if secret else ()

        first_look = asyncio.Event()
        self._first_looks.append(first_look)

        def on_change(is_up: bool, reason: str) -> None:  # noqa: FBT001 - the probe's signature
            first_look.set()
            self._changed(link, is_up, reason)

        probe = HealthProbe(address, engine.kind, on_change, headers=headers)
        link = EngineLink(
            name=EngineName(engine.name),
            kind=EngineKind(engine.kind),
            models=frozenset(ModelName(model) for model in engine.models),
            window=engine.window,
            client=EngineClient(address, self._client_settings, headers=headers),
            report_unreachable=lambda: probe.report_failure("refused a connection"),
        )
        self._probes.append(probe)
        self.links.append(link)

    def _changed(self, link: EngineLink, is_up: bool, reason: str) -> None:  # noqa: FBT001 - as above
        if self._on_change is None:
            link.is_up, link.reason = is_up, reason
        else:
            self._on_change(link, is_up, reason)

    def _reported(self, link: EngineLink, report: EngineReport | None, now_ms: int) -> None:
        link.report = report
        if report is not None:
            link.report_ms = now_ms
        self._on_report(link, report)
