"""All that is asked of each engine, in order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from evenhand.cli.composition import embedded_settings
from evenhand.cli.config import Config, EmbeddedEngine, ResolvedSecrets, UrlEngine
from evenhand.cli.engine_signals import metrics_address
from evenhand.cli.probe.events import kv_events
from evenhand.cli.probe.finding import EngineFindings, Finding, Verdict
from evenhand.cli.probe.plug_in import plug_in
from evenhand.cli.probe.prefix_cache import prefix_cache
from evenhand.cli.probe.reach import models, protection, reached, version
from evenhand.cli.probe.signals import signals
from evenhand.cli.probe.subject import Subject
from evenhand.engines.embedded import EmbeddedEngine as EmbeddedProcess
from evenhand.engines.embedded import EmbeddedEngineError
from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient


async def examine(config: Config, secrets: ResolvedSecrets) -> list[EngineFindings]:
    """One engine after another. An embedded one is started for it, and stopped again."""
    found = []
    for engine in config.engines:
        try:
            async with _subject(engine, config, secrets) as subject:
                findings = tuple(await _findings(subject))
        except EmbeddedEngineError as error:
            findings = (Finding("reachable", Verdict.WRONG, str(error)),)
        url = str(engine.url) if isinstance(engine, UrlEngine) else "started for this"
        found.append(EngineFindings(engine.name, engine.kind, url, findings))
    return found


async def _findings(subject: Subject) -> list[Finding]:
    first, served = await reached(subject)
    if first.verdict is Verdict.WRONG:
        return [first]
    return [
        first,
        await version(subject),
        models(subject, served),
        await protection(subject),
        *await signals(subject),
        *await prefix_cache(subject),
        await kv_events(subject),
        *plug_in(subject),
    ]


@asynccontextmanager
async def _subject(
    engine: EmbeddedEngine | UrlEngine, config: Config, secrets: ResolvedSecrets
) -> AsyncIterator[Subject]:
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(engine, UrlEngine):
        secret = secrets.engines.get(engine.name)
        headers = (("authorization", f"Bearer {secret.reveal()}"),) if secret else ()
        address = EngineAddress.parse(str(engine.url))
        where, sent = metrics_address(engine, headers)
        async with _clients(engine, config, (address, headers), (where, sent)) as subject:
            yield subject
        return
    process = EmbeddedProcess(embedded_settings(engine), on_change=lambda _: None)
    try:
        await process.start()
        address = EngineAddress.parse(process.url)
        async with _clients(engine, config, (address, ()), (address, ())) as subject:
            yield subject
    finally:
        await process.stop()


_Place = tuple[EngineAddress, tuple[tuple[str, str], ...]]


@asynccontextmanager
async def _clients(
    engine: EmbeddedEngine | UrlEngine, config: Config, at: _Place, metrics: _Place
) -> AsyncIterator[Subject]:
    limits = ClientSettings(connect_timeout_ms=3_000)
    clients = [
        EngineClient(at[0], limits, headers=at[1]),
        EngineClient(at[0], limits),
        EngineClient(metrics[0], limits, headers=metrics[1]),
    ]
    try:
        yield Subject(
            name=engine.name,
            kind=engine.kind,
            models=engine.models,
            url=engine.url if isinstance(engine, UrlEngine) else None,
            client=clients[0],
            stranger=clients[1],
            metrics=clients[2],
            has_credential=bool(at[1]),
            follows_events=isinstance(engine, UrlEngine) and engine.kv_events is not None,
            tells_tenants=isinstance(engine, UrlEngine) and engine.fair_scheduler,
            seals_hints=isinstance(engine, UrlEngine) and engine.hints_secret is not None,
            trust_domains=len({key.trust_domain for key in config.keys}),
        )
    finally:
        for client in clients:
            await client.close()
