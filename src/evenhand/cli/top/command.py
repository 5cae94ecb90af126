"""`evenhand top`: a frame a second until it is told to stop, or one frame."""

import os
import time
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.live import Live

from evenhand.cli.admin_page import AdminPageError
from evenhand.cli.check import print_problems
from evenhand.cli.config import ConfigurationError, read, resolve_admin
from evenhand.cli.control.asking import FILE, File
from evenhand.cli.terminal import write_json
from evenhand.cli.top.feed import Feed
from evenhand.cli.top.frame import frame
from evenhand.cli.top.keyboard import Keyboard
from evenhand.cli.top.rows import SORTS

_REFRESH_S = 1.0
_FIRST_SAMPLE_S = 5.0
_SORTS = ", ".join(f"{key} {name}" for key, (name, _) in SORTS.items())


def top(
    *,
    file: File = FILE,
    once: Annotated[bool, typer.Option("--once", help="Print one frame and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the newest sample and the alarms, for programs.")
    ] = False,
    sort: Annotated[str, typer.Option(help="By what to begin: " + _SORTS)] = "r",
) -> None:
    """Show live who is promised, due and served how much, who waits, and what is wrong."""
    if sort not in SORTS:
        typer.echo(f"evenhand: --sort is one of {', '.join(SORTS)}", err=True)
        raise typer.Exit(1)
    try:
        loaded = read(file)
        credential = resolve_admin(loaded.config, os.environ, loaded.lines)
    except ConfigurationError as error:
        print_problems(file, error)
        raise typer.Exit(1) from None
    feed = Feed(loaded.config.admin, credential)
    try:
        _first(feed)
    except AdminPageError as error:
        typer.echo(f"evenhand: {error}", err=True)
        raise typer.Exit(1) from None
    console = Console(highlight=False)
    if as_json:
        write_json({"sample": feed.latest, "alarms": feed.alarms})
    elif once or not console.is_terminal:
        width, height = console.width, console.height if console.is_terminal else None
        console.print(
            frame(
                list(feed.samples), feed.alarms, sort=sort, width=width, height=height, keys=False
            )
        )
    else:
        _follow(feed, console, sort)


def _first(feed: Feed) -> None:
    """A gateway has no sample in its first second."""
    until_s = time.monotonic() + _FIRST_SAMPLE_S
    feed.ask()
    while feed.latest is None:
        if time.monotonic() > until_s:
            raise AdminPageError("the gateway takes no samples: see its log")
        time.sleep(0.2)
        feed.ask()


def _follow(feed: Feed, console: Console, sort: str) -> None:
    with Keyboard() as keyboard, Live(console=console, auto_refresh=False, screen=True) as live:
        try:
            while True:
                live.update(_frame(feed, console, sort, keys=keyboard.is_there), refresh=True)
                pressed = keyboard.wait(_REFRESH_S)
                if pressed in ("q", "Q", "\x04"):
                    return
                if pressed is not None and pressed in SORTS:
                    sort = pressed
                else:
                    feed.try_to_ask()
        except KeyboardInterrupt:
            return  # the other way to leave


def _frame(feed: Feed, console: Console, sort: str, *, keys: bool) -> RenderableType:
    return frame(
        list(feed.samples),
        feed.alarms,
        sort=sort,
        width=console.width,
        height=console.height,
        trouble=feed.trouble,
        keys=keys,
    )
