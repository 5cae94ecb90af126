"""`evenhand serve`: from the command line to a gateway that runs, until it is told to stop."""

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
from evenhand.cli.config import (
    Address,
    AskedPolicy,
    Config,
    ConfigurationError,
    look_outside,
    read,
)
from evenhand.cli.event_log import AskedLog
from evenhand.cli.live.beginning import Beginning
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.cli.live.reloads import Reloads
from evenhand.cli.notify import READY, STOPPING, tell_manager
from evenhand.cli.policy_options import PolicyOption, SetOption
from evenhand.cli.serving import CANNOT_START, Serving
from evenhand.engines.embedded.lifeline import die_with_parent
from evenhand.gateway.server import Bound, GatewayServer
from evenhand.telemetry import LogBridge, RequestLog, fd_sink

_STDIN = 0


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
    the configuration and the certificates again, as `evenhand reload` does."""
    asked_policy = AskedPolicy(policy, tuple(changes or ()))
    try:
        loaded = read(file, asked_policy)
        secrets = look_outside(loaded, os.environ)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    if with_parent:
        die_with_parent(sys.stdin.fileno())
    asked = None if event_log is None else AskedLog(event_log, event_log_mib_max << 20)
    begun = Beginning(loaded, secrets, file, asked_policy)
    code = uvloop.run(run_gateway(begun, file, announce=announce, asked_log=asked))
    raise typer.Exit(code)


async def run_gateway(
    begun: Beginning,
    file: Path,
    *,
    announce: bool,
    asked_log: AskedLog | None = None,
) -> int:
    """Serve until told to stop; the exit code."""
    log = RequestLog(fd_sink(sys.stderr.fileno()))
    logging.basicConfig(level=logging.WARNING, handlers=[LogBridge(log)], force=True)
    serving = Serving(begun, file, log, asked_log)
    try:
        try:
            server, live = await serving.open()
            told = _heed_signals(server, live, log)
            bound = await server.start()
            # What stands by now stays: the collector need not look at it again.
            gc.freeze()
        except (*CANNOT_START, OSError) as error:
            why = _cannot_listen(error) if isinstance(error, OSError) else error
            typer.echo(f"evenhand: {why}", err=True)
            return 1
        _tell(bound, live.config, announce=announce)
        tell_manager(log, READY)
        await told.wait()
        tell_manager(log, STOPPING)
        await server.drain()
    finally:
        is_written = await serving.close()
    return 0 if is_written else 1


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


def _cannot_listen(error: OSError) -> str:
    """`error` names the address; of whose two it is, the configuration tells."""
    why = error.strerror or error
    return f"cannot listen: {why}. Free it, or choose another `listen` or `admin.listen`."


def _heed_signals(server: GatewayServer, live: LiveConfiguration, log: RequestLog) -> asyncio.Event:
    """Set at the first SIGTERM or SIGINT from here on; the next one hurries the drain. SIGHUP reloads,
    unless it came because the terminal that we ran in was closed: then it ends us too."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if told.is_set():
            server.hurry()
        told.set()

    reloads = Reloads(server, live, log)
    had_terminal = os.isatty(_STDIN)

    def on_hangup() -> None:
        if had_terminal and not os.isatty(_STDIN):
            on_signal()
        if told.is_set():
            return  # who stops needs no new certificate
        reloads.ask()

    loop.add_signal_handler(signal.SIGHUP, on_hangup)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return told
