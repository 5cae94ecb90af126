"""`evenhand demo`: shows on a real engine what a noisy tenant does to the others, and what not."""

import secrets
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from evenhand.cli.demo.options import DemoError, DemoOptions
from evenhand.cli.demo.run import run_demo
from evenhand.cli.demo.stage import open_stage
from evenhand.cli.policy_options import SetOption
from evenhand.workloads import neighbours

_EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def demo(
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")
    ] = None,
    seconds: Annotated[float, typer.Option(metavar="N", help="Length of each phase.")] = 45.0,
    policy: Annotated[
        str,
        typer.Option(metavar="P", help="One of `evenhand policies`, to compare with fcfs."),
    ] = "vtc",
    changes: SetOption = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Use this running engine, not the embedded one."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="M", help="Its model; without --engine: a GGUF file to run."),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="With --engine: requests in flight there, about as many as it computes at once;"
            " 4 if not given.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Of the traffic.")] = 1,
) -> None:
    """Show that a noisy tenant no longer hurts the others.

    A chat, a batch flood and agents share one engine, three times: the chat alone, all first come
    first served, all by the policy. Ends with a table and a verdict. Exit code 1 if a policy that
    states a bound misses it, or if requests failed; a policy without a bound shows what it lacks,
    and exits 0. 130 after Ctrl-C.
    """
    try:
        options = DemoOptions(
            seconds=seconds,
            policy=policy,
            changes=tuple(changes or ()),
            json_file=json_file,
            engine_url=engine,
            model=model,
            window=window,
            seed=seed,
        )
    except DemoError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        code = uvloop.run(_play(options))
    except DemoError as error:
        typer.echo(f"The demo stopped: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("Stopped. Nothing is left running.", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    raise typer.Exit(code)


async def _play(options: DemoOptions) -> int:
    console = Console()
    keys = {name: secrets.token_urlsafe(24) for name in neighbours(options.seconds).tenants}
    async with open_stage(options, keys) as stage:
        console.print(stage.about, highlight=False)
        if options.short_rounds is not None:
            said = f"Rounds are short, as this engine is slow: --set {options.short_rounds}"
            console.print(said, highlight=False)
        return await run_demo(
            options, stage.gateway_for_phase, model=stage.model, keys=keys, console=console
        )
