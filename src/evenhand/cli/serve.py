"""`evenhand serve`: the composition root of the gateway."""

import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvloop

import evenhand
from evenhand.cli.admin_desk import admin_doors, admin_pages
from evenhand.cli.check import print_problems
from evenhand.cli.composition import (
    call_limits,
    edge_settings,
    key_ring,
    listening,
    policy_settings,
    scheduler_settings,
)
from evenhand.cli.config import (
    Address,
    AskedPolicy,
    Config,
    ConfigurationError,
    EmbeddedEngine,
    ResolvedSecrets,
    look_outside,
    read,
)
from evenhand.cli.engine_crew import EngineCrew
from evenhand.cli.engine_desk import EngineDesk
from evenhand.cli.engine_news import EngineNews
from evenhand.cli.event_log import AskedLog, NoLogError, begin, scheduler_of
from evenhand.cli.gpu_desk import GpuDesk
from evenhand.cli.notify import READY, STOPPING, notify, reloading
from evenhand.cli.policy_options import PolicyOption, SetOption
from evenhand.cli.sight import Sight
from evenhand.cli.state_desk import StateDesk
from evenhand.cli.traffic_log import begin_traffic_log
from evenhand.engines.embedded import EmbeddedEngineError
from evenhand.engines.embedded.lifeline import die_with_parent
from evenhand.engines.kv_events import KvEventsError
from evenhand.engines.tokenizer import TokenizerError
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.engine_caches import EngineCaches
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.gateway import Gateway, Observers
from evenhand.gateway.identity import KeyRing
from evenhand.gateway.server import Bound, GatewayServer
from evenhand.gateway.shadow_host import ShadowHost
from evenhand.gateway.status import GatewayStatus
from evenhand.gateway.tls import PairError
from evenhand.model import EngineName
from evenhand.scheduling import Scheduler
from evenhand.scheduling.shadow import Shadow
from evenhand.stores import StateProblemError
from evenhand.stores.event_log import EventLog
from evenhand.telemetry import LogBridge, Metrics, RequestLog, TrafficLog, fd_sink

_STDIN = 0
_CANNOT_START = (
    *(EmbeddedEngineError, PairError, StateProblemError, NoLogError),
    *(TokenizerError, KvEventsError),
)
"""Each says what to do."""


def serve(
    file: Annotated[Path, typer.Argument(help="The configuration.")] = Path("evenhand.yaml"),
    *,
    policy: PolicyOption = None,
    changes: SetOption = None,
    event_log: Annotated[
        Path | None,
        typer.Option(
            help="Record all decisions there for `evenhand replay`, without the text of prompts;"
            " compressed if its name ends in .gz. Replaces the file."
        ),
    ] = None,
    event_log_mib_max: Annotated[
        int, typer.Option(min=1, help="Stop recording after so many MiB before compression.")
    ] = 1024,
    announce: Annotated[
        bool,
        typer.Option(
            "--announce", help="Print the bound addresses as one line of JSON on stdout when ready."
        ),
    ] = False,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End when stdin is closed.")
    ] = False,
) -> None:
    """Serve the OpenAI API with fair shares until SIGTERM or SIGINT; a second one hurries. SIGHUP reads
    certificates again."""
    try:
        loaded = read(file, AskedPolicy(policy, tuple(changes or ())))
        secrets = look_outside(loaded, os.environ)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    if with_parent:
        die_with_parent(sys.stdin.fileno())
    asked = None if event_log is None else AskedLog(event_log, event_log_mib_max << 20)
    code = uvloop.run(run_gateway(loaded.config, secrets, file, announce=announce, asked_log=asked))
    raise typer.Exit(code)


async def run_gateway(
    config: Config,
    secrets: ResolvedSecrets,
    file: Path,
    *,
    announce: bool,
    asked_log: AskedLog | None = None,
) -> int:
    """Serve until told to stop; the exit code."""
    log = RequestLog(fd_sink(sys.stderr.fileno()))
    logging.basicConfig(level=logging.WARNING, handlers=[LogBridge(log)], force=True)
    crew = EngineCrew(config, secrets)
    desk = None if config.state is None else StateDesk(config, file, log)
    gpu: GpuDesk | None = None
    event_log: EventLog | None = None
    traffic: TrafficLog | None = None
    try:
        try:
            event_log = begin(asked_log, log)
            traffic = begin_traffic_log(config, file)
            if desk is not None:
                desk.open()
            keys = key_ring(config, secrets, None if desk is None else desk.pepper)
            if desk is not None:
                await desk.open_keys(keys)
            await crew.start()
            gpu = GpuDesk(config, desk, log)
            scheduler = scheduler_of(scheduler_settings(config), event_log)
            observers = _observers(config, crew, log, traffic, desk=desk)
            server = _compose(
                config, secrets, keys, crew, scheduler, observers=observers, desk=desk
            )
            gpu.open(crew.links, scheduler, observers.metrics)
            await crew.looked_once()
            told = _heed_signals(server, log)
            bound = await server.start()
            # What stands by now stays: the collector need not look at it again.
            gc.freeze()
        except _CANNOT_START as error:
            typer.echo(f"evenhand: {error}", err=True)
            return 1
        except OSError as error:
            typer.echo(f"evenhand: {_cannot_listen(error)}", err=True)
            return 1
        _tell(bound, config, announce=announce)
        _notify(log, READY)
        await told.wait()
        _notify(log, STOPPING)
        await server.drain()
    finally:
        if gpu is not None:
            await gpu.close()
        is_written = desk is None or await desk.close()
        await crew.stop()
        if event_log is not None:
            event_log.close()
        if traffic is not None:
            traffic.close()
        log.close()
    return 0 if is_written else 1


def _observers(
    config: Config,
    crew: EngineCrew,
    log: RequestLog,
    traffic: TrafficLog | None,
    *,
    desk: StateDesk | None,
) -> Observers:
    metrics = Metrics(
        models=[model for link in crew.links for model in sorted(link.models)],
        version=evenhand.__version__,
        tenants_max=config.limits.metrics_tenants_max,
        log_lines_dropped=lambda: log.dropped_lines + (traffic.dropped_lines if traffic else 0),
    )
    if desk is not None and desk.collector is not None:
        metrics.registry.register(desk.collector)
    shadow = _shadow(config, log, asyncio.get_running_loop())
    return Observers(metrics=metrics, log=log, shadow=shadow, traffic=traffic)


def _compose(
    config: Config,
    secrets: ResolvedSecrets,
    keys: KeyRing,
    crew: EngineCrew,
    scheduler: Scheduler,
    *,
    observers: Observers,
    desk: StateDesk | None,
) -> GatewayServer:
    loop, log = asyncio.get_running_loop(), observers.log

    def on_engine(link: EngineLink) -> None:
        log.event("engine", engine=link.name, up=link.is_up, reason=link.reason)

    def on_circuit(link: EngineLink) -> None:
        circuit = link.circuit
        log.event("circuit", engine=link.name, state=circuit.state, because=circuit.because)

    dispatcher = Dispatcher(
        scheduler,
        crew.links,
        loop,
        on_engine=on_engine,
        on_circuit=on_circuit,
        observer=observers.shadow,
    )
    if desk is not None:
        desk.add_commands(EngineDesk(dispatcher, log).commands)
    gateway = Gateway(
        keys=keys,
        dispatcher=dispatcher,
        limits=call_limits(config),
        observers=observers,
        loop=loop,
        bookkeeping=None if desk is None else desk.bookkeeper,
        tokenizing=crew.prompts.tokenizing,
    )
    edge = edge_settings(config)
    status = GatewayStatus(gateway, body_bytes_max=edge.body_bytes_max)
    doors = admin_doors(config, secrets, keys)
    sight = Sight(config, status, log, observers.monitor)
    server = GatewayServer(
        gateway,
        edge,
        listening(config, log),
        log,
        status=status,
        pages=[
            *admin_pages(config, status, doors, log, None if desk is None else desk.database),
            *sight.pages(),
        ],
        access=doors,
        clock=sight.clock,
    )
    caches = _caches(config, scheduler)
    EngineNews(dispatcher, server.windows, caches, log).follow(crew)
    if scheduler.prefixes is not None:
        crew.prompts.follow(crew.links, scheduler, caches, salts=gateway.salts, log=log)
        observers.metrics.registry.register(crew.prompts.collector(scheduler.prefixes))
    return server


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


def _tell(bound: Bound, config: Config, *, announce: bool) -> None:
    if announce:
        line = {
            "listen": [bound.host, bound.port],
            "admin": [bound.admin_host, bound.admin_port],
            "pid": os.getpid(),
        }
        sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
        sys.stdout.buffer.flush()
        return
    models = ", ".join(sorted({model for engine in config.engines for model in engine.models}))
    typer.echo(f"evenhand {evenhand.__version__} serves {models}", err=True)
    typer.echo(f"  policy:  {config.policy.preset}", err=True)
    if config.mode == "observe":
        typer.echo("  mode:    observe (order of arrival; ask `evenhand observed`)", err=True)
    clients = _origin(bound.host, bound.port, is_tls=config.tls is not None)
    admin = _origin(bound.admin_host, bound.admin_port, is_tls=config.admin.tls is not None)
    typer.echo(f"  clients: {clients}/v1", err=True)
    typer.echo(f"  admin:   {admin}", err=True)


def _origin(host: str, port: int, *, is_tls: bool) -> str:
    return f"{'https' if is_tls else 'http'}://{Address(host, port)}"


def _notify(log: RequestLog, state: str) -> None:
    try:
        notify(state)
    except OSError as error:
        log.event("notify_failed", state=state, reason=str(error))


def _cannot_listen(error: OSError) -> str:
    """`error` names the address; of whose two it is, the configuration tells."""
    why = error.strerror or error
    return f"cannot listen: {why}. Free it, or choose another `listen` or `admin.listen`."


def _heed_signals(server: GatewayServer, log: RequestLog) -> asyncio.Event:
    """Set at the first SIGTERM or SIGINT from here on; the next one hurries the drain. SIGHUP reloads,
    unless it came because the terminal that we ran in was closed: then it ends us too."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if told.is_set():
            server.hurry()
        told.set()

    had_terminal = os.isatty(_STDIN)

    def on_hangup() -> None:
        if had_terminal and not os.isatty(_STDIN):
            on_signal()
        if told.is_set():
            return  # who stops needs no new certificate
        _notify(log, reloading())
        server.reload()
        _notify(log, READY)

    loop.add_signal_handler(signal.SIGHUP, on_hangup)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return told
