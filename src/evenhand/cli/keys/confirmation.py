"""A running gateway is told that keys have changed, and confirms that the change is in force."""

import time
from dataclasses import dataclass
from typing import Any

import typer

from evenhand.cli.control_line import send
from evenhand.stores import StateFolder
from evenhand.stores.control_socket import connect

_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`words` say when the change is in force; `is_sound` False: not known to be, or not at all."""

    words: str
    is_sound: bool = True


def confirm(folder: StateFolder, key_id: str, wait_s: float) -> Confirmation:
    """Tell the gateway that runs on `folder`, if there is one. What was written before this call is in
    force when it returns a sound answer."""
    deadline_s = time.monotonic() + wait_s
    why = "it is busy"
    while (left_s := deadline_s - time.monotonic()) > 0:
        try:
            connection = connect(folder, left_s)
            if connection is None:
                # A gateway listens before it reads keys, and to its end.
                return Confirmation("no gateway runs: in force from its next start")
            with connection:
                answer = send(connection, {"do": "reload_keys", "key": key_id}, deadline_s)
        except (OSError, ValueError) as error:
            why, answer = str(error), None
        if answer is not None and answer.get("is_done"):
            return _of_answer(answer)
        if answer is not None and answer.get("error") != "busy":
            return _unsure(f"it says: {answer.get('message')}")
        # It ended, or has no room for us: who comes next will tell.
        time.sleep(_PAUSE_S)
    return _unsure(f"no answer in {wait_s:g} s ({why})")


def tell(key_id: str, what: str, confirmation: Confirmation) -> None:
    """Say on standard error what became of it; exit code 1 unless it is in force."""
    typer.echo(f"{key_id} {what}; {confirmation.words}.", err=True)
    if not confirmation.is_sound:
        raise typer.Exit(1)


def _of_answer(answer: dict[str, Any]) -> Confirmation:
    if answer.get("ignored"):
        words = (
            f"the running gateway has no place for it ({answer['ignored']}): start it anew with the "
            "configuration as it is now"
        )
        return Confirmation(words, is_sound=False)
    return Confirmation("in force in the running gateway")


def _unsure(why: str) -> Confirmation:
    words = (
        f"the running gateway has NOT confirmed that this is in force: {why}. It will be with the next "
        "`evenhand keys` command that it confirms (repeating a revoke does no harm), or from its next "
        "start"
    )
    return Confirmation(words, is_sound=False)
