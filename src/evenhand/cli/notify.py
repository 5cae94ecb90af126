"""Tells the service manager where we stand, as systemd's `Type=notify` wants it."""

import os
import socket
import time
from collections.abc import Mapping
from typing import Final

from evenhand.telemetry import RequestLog

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
_SEND_S_MAX = 1.0


def reloading() -> str:
    """The state while certificates and the configuration are read again; `READY` must follow."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send `state` to the socket that `NOTIFY_SOCKET` names; nothing where no service manager asked.

    Raises OSError where it named one that does not take it.
    """
    name = environ.get("NOTIFY_SOCKET", "")
    if not name:
        return
    # A leading @ stands for the zero byte of a name outside the file system.
    address = "\0" + name[1:] if name.startswith("@") else name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
        to.settimeout(_SEND_S_MAX)
        to.sendto(state.encode(), address)


def tell_manager(log: RequestLog, state: str) -> None:
    """Send `state`; where that fails, the log has it, and the gateway goes on."""
    try:
        notify(state)
    except OSError as error:
        log.event("notify_failed", state=state, reason=str(error))
