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
from evenhand.cli.check import print_problems
from evenhand.cli.composition import (
    call_limits,
    edge_settings,
    key_ring,
    scheduler_settings,
)
from evenhand.cli.config import (
    Config,
    ConfigurationError,
    ResolvedSecrets,
    look_outside,
    read,
)
from evenhand.cli.engine_crew import EngineCrew
from evenhand.cli.state_desk import StateDesk
from evenhand.engines.embedded import EmbeddedEngineError
from evenhand.engines.embedded.lifeline import die_with_parent
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.gateway import Gateway, Observers
from evenhand.gateway.identity import KeyRing
from evenhand.gateway.server import Bound, GatewayServer, Listening
from evenhand.scheduling import Scheduler
from evenhand.stores import StateProblemError
from evenhand.telemetry import LogBridge, Metrics, RequestLog, fd_sink


def serve(
    file: Annotated[Path, typer.Argument(help="The configuration.")] = Path("evenhand.yaml"),
    *,
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
    """Serve the OpenAI API with fair shares until SIGTERM or SIGINT; a second one hurries."""
    try:
        loaded = read(file)
        secrets = look_outside(loaded, os.environ)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    if with_parent:
        die_with_parent(sys.stdin.fileno())
    code = uvloop.run(run_gateway(loaded.config, secrets, file, announce=announce))
    raise typer.Exit(code)


async def run_gateway(
    config: Config, secrets: ResolvedSecrets, file: Path, *, announce: bool
) -> int:
    """Serve until told to stop; the exit code."""
    log = RequestLog(fd_sink(sys.stderr.fileno()))
    logging.basicConfig(level=logging.WARNING, handlers=[LogBridge(log)], force=True)
    crew = EngineCrew(config, secrets)
    desk = None if config.state is None else StateDesk(config, file, log)
    try:
        try:
            if desk is not None:
                desk.open()
            keys = key_ring(config, secrets, None if desk is None else desk.pepper)
            if desk is not None:
                await desk.open_keys(keys)
            await crew.start()
            server = _compose(config, secrets, keys, crew, log, desk=desk)
            await crew.looked_once()
            told = _heed_signals(server)
            # What is here now stays: looking for garbage among a hundred thousand keys or tenants would
            # hold up every request for a third of a second, again and again.
            gc.freeze()
            bound = await server.start()
        except (EmbeddedEngineError, StateProblemError) as error:
            typer.echo(f"evenhand: {error}", err=True)
            return 1
        except OSError as error:
            typer.echo(f"evenhand: {_cannot_listen(error)}", err=True)
            return 1
        _tell(bound, config, announce=announce)
        await told.wait()
        await server.drain()
        return 0 if desk is None or await desk.close() else 1
    finally:
        await crew.stop()
        log.close()


def _compose(
    config: Config,
    secrets: ResolvedSecrets,
    keys: KeyRing,
    crew: EngineCrew,
    log: RequestLog,
    *,
    desk: StateDesk | None,
) -> GatewayServer:
    loop = asyncio.get_running_loop()

    def on_engine(link: EngineLink) -> None:
        log.event("engine", engine=link.name, up=link.is_up, reason=link.reason)

    scheduler = Scheduler(scheduler_settings(config))
    dispatcher = Dispatcher(scheduler, crew.links, loop, on_engine=on_engine)
    metrics = Metrics(
        models=[model for link in crew.links for model in sorted(link.models)],
        version=evenhand.__version__,
        log_lines_dropped=lambda: log.dropped_lines,
    )
    if desk is not None and desk.collector is not None:
        metrics.registry.register(desk.collector)
    gateway = Gateway(
        keys=keys,
        dispatcher=dispatcher,
        limits=call_limits(config),
        observers=Observers(metrics=metrics, log=log),
        loop=loop,
        bookkeeping=None if desk is None else desk.bookkeeper,
    )
    listening = Listening(
        host=config.listen.host,
        port=config.listen.port,
        admin_host=config.admin.listen.host,
        admin_port=config.admin.listen.port,
        admin_credential=secrets.admin.reveal() if secrets.admin else None,
        tenants_max=config.limits.metrics_tenants_max,
    )
    server = GatewayServer(gateway, edge_settings(config), listening, log)
    crew.watch(
        lambda link, is_up, reason: dispatcher.engine_changed(link, is_up=is_up, reason=reason)
    )
    return server


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
    typer.echo(f"  clients: http://{_authority(bound.host, bound.port)}/v1", err=True)
    typer.echo(f"  admin:   http://{_authority(bound.admin_host, bound.admin_port)}", err=True)


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _cannot_listen(error: OSError) -> str:
    """`error` names the address; of whose two it is, the configuration tells."""
    why = error.strerror or error
    return f"cannot listen: {why}. Free it, or choose another `listen` or `admin.listen`."


def _heed_signals(server: GatewayServer) -> asyncio.Event:
    """Set at the first SIGTERM or SIGINT from here on; the next one hurries the drain."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if told.is_set():
            server.hurry()
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return told
