"""The engines of a configuration, started, watched and stopped together."""

import asyncio
from collections.abc import Callable

from evenhand.cli.composition import (
    abort_grace_ms,
    client_settings,
    embedded_settings,
    served_apis,
    window_of,
)
from evenhand.cli.config import Config, EmbeddedEngine, ResolvedSecrets, UrlEngine
from evenhand.cli.engine_signals import (
    LinkSignals,
    OnReport,
    OnRestart,
    OnSignals,
    SignalEars,
    metrics_address,
)
from evenhand.cli.prompt_crew import PromptCrew
from evenhand.engines.embedded import EmbeddedEngine as EmbeddedProcess
from evenhand.engines.health import HealthProbe
from evenhand.engines.http import EngineAddress, EngineClient
from evenhand.engines.signals import SignalWatch, reader_for
from evenhand.gateway.engine_hints import EngineHints
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.ghosts import Ghosts
from evenhand.model import EngineName, ModelName
from evenhand.wire.dialect import EngineKind

_FIRST_LOOK_S_MAX = 3.0

OnChange = Callable[[EngineLink, bool, str], None]
"""Called with an engine, whether it is up, and why."""


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
        self._ears = SignalEars()
        self._watches: dict[EngineName, SignalWatch] = {}
        self.links: list[EngineLink] = []
        self.prompts = PromptCrew(config)

    async def start(self) -> None:
        """Reach out to the URLs and start the embedded engines.

        Raises EmbeddedEngineError or TokenizerError, with what to do; `stop` is still owed.
        """
        self.prompts.read()
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
        on_signals: OnSignals | None = None,
    ) -> None:
        """Report every change from here on, beginning with what is up at this moment."""
        self._on_change = on_change
        ears = self._ears
        ears.on_report = on_report or ears.on_report
        ears.on_restart = on_restart or ears.on_restart
        ears.on_signals = on_signals or ears.on_signals
        for link in self.links:
            if link.kind is EngineKind.EMBEDDED:
                on_change(link, link.is_up, link.reason)
        for probe in self._probes:
            probe.start()
        for watch in self._watches.values():
            watch.start()

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
        await self.prompts.stop()
        for watch in self._watches.values():
            await watch.stop()
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
                if is_up:
                    self._restarted(link, "its process was started anew")
                self._changed(link, is_up, "serves" if is_up else "is being restarted")

        process = EmbeddedProcess(embedded_settings(engine), on_change=on_change)
        self._processes.append(process)
        await process.start()
        window, control = window_of(engine, self._config)
        link = EngineLink(
            name=EngineName(engine.name),
            kind=EngineKind.EMBEDDED,
            models=frozenset(ModelName(model) for model in engine.models),
            window=window,
            control=control,
            ghosts=Ghosts(grace_ms=abort_grace_ms(self._config)),
            client=EngineClient(EngineAddress.parse(process.url), self._client_settings),
            report_unreachable=lambda: None,  # its launcher watches the process itself
            is_up=True,
            reason="serves",
        )
        changes.append(link)
        self._take_in(link, EngineAddress.parse(process.url), ())

    def _connect(self, engine: UrlEngine) -> None:
        address = EngineAddress.parse(str(engine.url))
        secret = self._secrets.engines.get(engine.name)
        headers = (("authorization", f"Bearer {secret.reveal()}"),) if secret else ()

        first_look = asyncio.Event()
        self._first_looks.append(first_look)

        def on_change(is_up: bool, reason: str) -> None:  # noqa: FBT001 - the probe's signature
            first_look.set()
            if is_up and probe.has_restarted:
                self._restarted(link, "nobody could connect to it, and it is back")
            self._changed(link, is_up, reason)

        probe = HealthProbe(address, engine.kind, on_change, headers=headers)
        window, control = window_of(engine, self._config)
        link = EngineLink(
            name=EngineName(engine.name),
            kind=EngineKind(engine.kind),
            models=frozenset(ModelName(model) for model in engine.models),
            window=window,
            control=control,
            ghosts=Ghosts(grace_ms=abort_grace_ms(self._config)),
            client=EngineClient(address, self._client_settings, headers=headers),
            report_unreachable=lambda: probe.report_failure("refused a connection"),
            hints=self._hints(engine),
            serves=served_apis(engine),
            keeps_responses=engine.keeps_responses,
        )
        self._probes.append(probe)
        if engine.signals == "off":
            link.signals = "off"
            self.links.append(link)
        else:
            self._take_in(link, *metrics_address(engine, headers))

    def _hints(self, engine: UrlEngine) -> EngineHints | None:
        if not engine.fair_scheduler:
            return None
        secret = self._secrets.hints.get(engine.name)
        return EngineHints(None if secret is None else secret.reveal().encode())

    def _take_in(
        self, link: EngineLink, address: EngineAddress, headers: tuple[tuple[str, str], ...]
    ) -> None:
        """Add an engine, and read its signals where it has any."""
        self.links.append(link)
        reader = reader_for(link.kind)
        if reader is None:
            link.signals = f"none: an engine of kind {link.kind} is not asked"
            return
        listener = LinkSignals(link, self._ears)
        self._watches[link.name] = SignalWatch(address, reader, listener, headers=headers)

    def _restarted(self, link: EngineLink, evidence: str) -> None:
        """Tell it once: its counters will say the same."""
        watch = self._watches.get(link.name)
        if watch is not None:
            watch.restarted()
        self._ears.on_restart(link, evidence)

    def _changed(self, link: EngineLink, is_up: bool, reason: str) -> None:  # noqa: FBT001 - as above
        if self._on_change is None:
            link.is_up, link.reason = is_up, reason
        else:
            self._on_change(link, is_up, reason)
