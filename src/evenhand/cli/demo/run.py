"""The demo from the first phase to the verdict, on gateways that the caller starts."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from rich.console import Console

from evenhand.cli.demo.figures import RunFigures, figures
from evenhand.cli.demo.load import Load
from evenhand.cli.demo.options import CONTROL, DemoOptions
from evenhand.cli.demo.phase import ALONE, Phase, phases
from evenhand.cli.demo.report import report, write_report
from evenhand.cli.demo.screen import Screen
from evenhand.cli.demo.table import comparison, notes, sentence
from evenhand.cli.demo.verdict import judge, of_control
from evenhand.cli.demo.warm_up import warm_up
from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient
from evenhand.workloads import Neighbours, neighbours

StartGateway = Callable[[str], AbstractAsyncContextManager[str]]
"""Starts a gateway with that policy preset; gives its base URL without `/v1`; stops it at the end.

The tenants' keys are known there, their weights are equal, and each may queue 64 requests or more.
"""

_WEIGHT = 1


async def run_demo(
    options: DemoOptions,
    start_gateway: StartGateway,
    *,
    model: str,
    keys: Mapping[str, str],
    console: Console,
) -> int:
    """Run the phases, print table and verdict, write the JSON. 0: it went as the policy promises, 1: it
    did not, or requests failed.

    `model` is what clients ask for, `keys` the API key of each tenant of the traffic. Raises
    DemoError if the demo cannot go on.
    """
    traffic = neighbours(options.seconds)
    plan = phases(traffic.tenants, policy=options.policy)
    screen = Screen(console, phases=len(plan))
    runs: dict[str, RunFigures] = {}
    for phase in plan:
        async with (
            start_gateway(phase.preset) as base_url,
            _clients(base_url, {name: keys[name] for name in phase.tenants}) as clients,
        ):
            await warm_up(clients.values(), model=model)
            load = Load(traffic, clients, model=model, seed=options.seed, seconds=options.seconds)
            await screen.follow(phase, load)
        runs[phase.name] = _measure(load, phase)
    return _conclude(options, runs, traffic, console)


def _measure(load: Load, phase: Phase) -> RunFigures:
    weights = dict.fromkeys(phase.tenants, _WEIGHT)
    return figures(load.records, tenants=weights, seconds=load.seconds)


def _conclude(
    options: DemoOptions, runs: Mapping[str, RunFigures], traffic: Neighbours, console: Console
) -> int:
    victim = traffic.chat.tenant
    if options.policy == CONTROL:
        verdict = of_control(runs[ALONE], runs[CONTROL], victim=victim)
    else:
        verdict = judge(
            runs[options.policy],
            runs[CONTROL],
            victim=victim,
            policy=options.policy,
            is_promised=options.is_promised,
            url_window=None if options.engine_url is None else options.engine_window,
        )
    console.print()
    console.print(comparison(runs))
    console.print()
    for note in notes(runs):
        console.print(note, highlight=False, markup=False, style="dim")
    console.print()
    console.print(sentence(verdict))
    if options.json_file:
        write_report(options.json_file, report(runs, verdict))
    return 0 if verdict.is_kept else 1


@asynccontextmanager
async def _clients(
    base_url: str, keys: Mapping[str, str]
) -> AsyncIterator[Mapping[str, EngineClient]]:
    """A client for each tenant. At the end all their connections are closed."""
    address = EngineAddress.parse(base_url)
    # A request may wait for the whole phase; that is a figure, not a failure.
    settings = ClientSettings(first_byte_timeout_ms=900_000, silence_timeout_ms=900_000)
    clients = {
        tenant: EngineClient(address, settings, headers=[("authorization", f"Bearer {key}")])
        for tenant, key in keys.items()
    }
    try:
        yield clients
    finally:
        for client in clients.values():
            await client.close()
