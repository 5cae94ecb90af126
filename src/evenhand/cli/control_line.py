"""One command to the gateway that runs on a state folder, and its answer."""

import socket
import time
from typing import Any

import orjson

from evenhand.stores import StateFolder, StateProblemError
from evenhand.stores.control_socket import connect

_PAUSE_S = 0.05
_ANSWER_BYTES_MAX = 1 << 20


def ask(folder: StateFolder, line: dict[str, Any], wait_s: float) -> dict[str, Any]:
    """What it answers. Raises StateProblemError where none runs, it is silent, or it refuses."""
    deadline_s = time.monotonic() + wait_s
    why = "it is busy"
    while (left_s := deadline_s - time.monotonic()) > 0:
        try:
            connection = connect(folder, left_s)
            if connection is None:
                raise StateProblemError("no gateway runs with this configuration: start one")
            with connection:
                answer = send(connection, line, deadline_s)
        except (OSError, ValueError) as error:
            why, answer = str(error), None
        if answer is not None and answer.get("is_done"):
            return answer
        if answer is not None and answer.get("error") != "busy":
            raise StateProblemError(f"the gateway says: {answer.get('message')}")
        # It ended, or has no room for us.
        time.sleep(_PAUSE_S)
    raise StateProblemError(f"the running gateway gave no answer in {wait_s:g} s ({why})")


def send(
    connection: socket.socket, line: dict[str, Any], deadline_s: float
) -> dict[str, Any] | None:
    """The answer; None if the gateway left without one. Raises OSError, TimeoutError among them."""
    connection.sendall(orjson.dumps(line) + b"\n")
    received = b""
    while not received.endswith(b"\n") and len(received) < _ANSWER_BYTES_MAX:
        connection.settimeout(max(0.001, deadline_s - time.monotonic()))
        piece = connection.recv(65_536)
        if not piece:
            return None
        received += piece
    answer = orjson.loads(received)
    return answer if isinstance(answer, dict) else None
