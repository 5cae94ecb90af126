"""The composition root: the parts of a gateway, put together."""

import asyncio
from dataclasses import dataclass

import evenhand
from evenhand.cli.admin_callers import admin_callers
from evenhand.cli.admin_desk import AdminParts, admin_doors, admin_pages
from evenhand.cli.composition import (
    call_limits,
    edge_settings,
    listening,
    model_aliases,
    policy_settings,
)
from evenhand.cli.config import (
    Config,
    EmbeddedEngine,
)
from evenhand.cli.engine_accounts import EngineAccounts
from evenhand.cli.engine_crew import EngineCrew
from evenhand.cli.engine_desk import EngineDesk
from evenhand.cli.engine_news import EngineNews
from evenhand.cli.finance import Finance
from evenhand.cli.live.beginning import Beginning
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.cli.live.participants import Parts, participants
from evenhand.cli.sight import Sight
from evenhand.cli.state_desk import StateDesk
from evenhand.cli.stored_key_desk import StoredKeyDesk
from evenhand.cli.token_desk import TokenDesk
from evenhand.gateway.admin import AdminCredentials
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.engine_caches import EngineCaches
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.gateway import Gateway, Observers
from evenhand.gateway.identity import KeyRing
from evenhand.gateway.server import GatewayServer
from evenhand.gateway.shadow_host import ShadowHost
from evenhand.gateway.status import GatewayStatus
from evenhand.model import EngineName
from evenhand.scheduling import Scheduler
from evenhand.scheduling.shadow import Shadow
from evenhand.telemetry import BudgetCollector, Metrics, RequestLog, TrafficLog
from evenhand.telemetry.traces import TraceCollector, Traces


def observed(
    config: Config,
    crew: EngineCrew,
    log: RequestLog,
    traffic: TrafficLog | None,
    traces: Traces | None,
    *,
    desk: StateDesk | None,
) -> Observers:
    """Where endings are told."""
    metrics = Metrics(
        models=[model for link in crew.links for model in sorted(link.models)],
        version=evenhand.__version__,
        tenants_max=config.limits.metrics_tenants_max,
        log_lines_dropped=lambda: log.dropped_lines + (traffic.dropped_lines if traffic else 0),
    )
    if desk is not None and desk.collector is not None:
        metrics.registry.register(desk.collector)
    if desk is not None and desk.bookkeeper is not None:
        metrics.registry.register(BudgetCollector(desk.bookkeeper))
    shadow = _shadow(config, log, asyncio.get_running_loop())
    if traces is not None:
        metrics.registry.register(TraceCollector(traces))
    return Observers(metrics=metrics, log=log, shadow=shadow, traffic=traffic, traces=traces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a gateway stands on: all that is opened before it, and closed after."""

    begun: Beginning
    live: LiveConfiguration
    keys: KeyRing
    crew: EngineCrew
    scheduler: Scheduler
    observers: Observers
    accounts: EngineAccounts
    desk: StateDesk | None

    @property
    def config(self) -> Config:
        return self.live.config

    @property
    def log(self) -> RequestLog:
        return self.observers.log


def compose(ground: Ground) -> GatewayServer:
    """A server that only has to be started."""
    scheduler, crew, log = ground.scheduler, ground.crew, ground.log
    dispatcher = _dispatcher(crew, scheduler, ground.observers)
    gateway = _gateway(ground, dispatcher)
    server = _server(ground, gateway)
    caches = _caches(ground.config, scheduler)
    EngineNews(dispatcher, server.windows, caches, log, ground.accounts.counts).follow(crew)
    if scheduler.prefixes is not None:
        crew.prompts.follow(crew.links, scheduler, caches, salts=gateway.salts, log=log)
        ground.observers.metrics.registry.register(crew.prompts.collector(scheduler.prefixes))
    return server


def _gateway(ground: Ground, dispatcher: Dispatcher) -> Gateway:
    config, desk = ground.config, ground.desk
    return Gateway(
        keys=ground.keys,
        dispatcher=dispatcher,
        limits=call_limits(config),
        observers=ground.observers,
        loop=asyncio.get_running_loop(),
        bookkeeping=None if desk is None else desk.bookkeeper,
        tokenizing=ground.crew.prompts.tokenizing,
        aliases=model_aliases(config),
    )


def _server(ground: Ground, gateway: Gateway) -> GatewayServer:
    config, desk, log = ground.config, ground.desk, ground.log
    edge = edge_settings(config)
    status = GatewayStatus(gateway, body_bytes_max=edge.body_bytes_max)
    tokens = TokenDesk(
        ground.keys, ground.scheduler.tree.has_leaf, log
    )  # it reads until the loop ends
    tokens.change(config)
    credentials = AdminCredentials(admin_callers(config, ground.begun.outside.secrets))
    doors = admin_doors(credentials, ground.keys, tokens)
    engines = EngineDesk(gateway.dispatcher, log, ground.live.note)
    if desk is not None:
        desk.add_commands(engines.commands)
    finance = None if desk is None else Finance(desk, ground.live, log)
    if desk is not None and finance is not None:
        desk.add_commands(finance.corrections.commands)
    sight = Sight(config, status, log, ground.observers.monitor)
    parts = Parts(
        gateway=gateway,
        outside=ground.begun.outside,
        keys=desk.keys if desk else None,
        credentials=credentials,
        tokens=tokens,
        alarms=sight.alarms,
    )
    ground.live.participants += participants(parts)
    pages = AdminParts(
        config=config,
        status=status,
        doors=doors,
        keys=ground.keys,
        log=log,
        live=ground.live,
        engines=engines,
        stored_keys=_stored_keys(desk, ground.live),
        sight=sight,
        database=None if desk is None else desk.database,
        finance=finance,
        bookkeeping=gateway.bookkeeping,
    )
    return GatewayServer(
        gateway,
        edge,
        listening(config, log),
        log,
        status=status,
        pages=admin_pages(pages),
        access=doors,
        clock=sight.clock,
    )


def _stored_keys(desk: StateDesk | None, live: LiveConfiguration) -> StoredKeyDesk | None:
    if desk is None:
        return None
    assert desk.keys is not None
    assert desk.pepper is not None
    return StoredKeyDesk(desk.database, desk.pepper, desk.keys, lambda: live.config)


def _dispatcher(crew: EngineCrew, scheduler: Scheduler, observers: Observers) -> Dispatcher:
    log = observers.log

    def on_engine(link: EngineLink) -> None:
        log.event("engine", engine=link.name, up=link.is_up, reason=link.reason)

    def on_circuit(link: EngineLink) -> None:
        circuit = link.circuit
        log.event("circuit", engine=link.name, state=circuit.state, because=circuit.because)

    return Dispatcher(
        scheduler,
        crew.links,
        asyncio.get_running_loop(),
        on_engine=on_engine,
        on_circuit=on_circuit,
        observer=observers.shadow,
    )


def _caches(config: Config, scheduler: Scheduler) -> EngineCaches:
    """An embedded engine does not tell the size of its cache: its slots' contexts are."""
    caches = EngineCaches(scheduler)
    for engine in config.engines:
        if isinstance(engine, EmbeddedEngine):
            tokens_max = engine.slots * engine.context_tokens
            caches.sized(EngineName(engine.name), tokens_max=tokens_max, block_tokens=1)
    return caches


def _shadow(config: Config, log: RequestLog, loop: asyncio.AbstractEventLoop) -> ShadowHost | None:
    if config.mode == "enforce":
        return None
    shadow = Shadow(policy_settings(config), tenants_max=config.limits.metrics_tenants_max)
    return ShadowHost(shadow, log, loop)
