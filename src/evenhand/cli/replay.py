"""`evenhand replay`: feed an event log to the core again and demand the same decisions."""

from pathlib import Path
from typing import Annotated

import typer

import evenhand
from evenhand.cli.config.named_policy import NoPolicyError, named_policy
from evenhand.scheduling import Policy
from evenhand.stores.event_log import EventLogError, Replayed, replay_file

_ENDS = {
    "complete": "the log is complete",
    "full": "the log was full and ends there",
    "broken off": "its host failed there",
    None: "the log stops in the middle, as that of a host that was killed does",
}


def replay(
    log: Annotated[
        Path,
        typer.Argument(help="A log of `evenhand serve --event-log` or `evenhand simulate --log`."),
    ],
) -> None:
    """Make all calls of a recorded run again and demand the same decisions. Ends with 1 where one is
    another, with 2 where the file is no sound log."""
    try:
        replayed = replay_file(log, _named)
    except EventLogError as error:
        typer.echo(f"evenhand: {log}: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(
        f"{replayed.calls:,} calls of {replayed.host} under {replayed.policy} were decided alike;"
        f" {_end(replayed)}."
    )
    if replayed.difference is not None:
        raise typer.Exit(1)


def _end(replayed: Replayed) -> str:
    difference = replayed.difference
    if difference is None:
        return _ENDS.get(replayed.ended, f"the log ends as {replayed.ended}")
    words = (
        f"line {difference.line} is the first that is not:\n  {difference.call}\n"
        f"  was {difference.was}\n  is  {difference.now}"
    )
    if replayed.version != evenhand.__version__:
        words += f"\nrecorded by evenhand {replayed.version}, this is {evenhand.__version__}"
    return words


def _named(name: str) -> Policy:
    try:
        return named_policy(name)
    except NoPolicyError as error:
        raise LookupError(str(error)) from error
