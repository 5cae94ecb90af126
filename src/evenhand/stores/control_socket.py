"""Where commands reach the gateway that runs on a state folder: a Unix socket in that folder."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evenhand.stores.problem import StateProblemError
from evenhand.stores.state_folder import StateFolder

CONTROL = "control.sock"
_PATH_BYTES_MAX = 107
"""What a socket's address has room for, in Linux."""
_BACKLOG = 64


def listen(folder: StateFolder) -> socket.socket:
    """Bind and listen, for the owner alone. The caller has the folder's lock, so what lies there is
    left from a gateway that was killed. Raises StateProblemError."""
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        (folder.path / CONTROL).unlink(missing_ok=True)
        # Before it is bound, so that it is never there with another mode.
        os.fchmod(control.fileno(), 0o600)
        with _address(folder.path) as address:
            control.bind(address)
        control.listen(_BACKLOG)
    except OSError as error:
        control.close()
        why = error.strerror or error
        message = (
            f"cannot make the socket {folder.path / CONTROL} ({why}): mend the folder's owner and mode, "
            "or choose a state.folder on a local disk"
        )
        raise StateProblemError(message) from None
    control.setblocking(False)
    return control


def connect(folder: StateFolder, timeout_s: float) -> socket.socket | None:
    """A connection to the gateway; None where none listens. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        with _address(folder.path) as address:
            connection.connect(address)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise
    return connection


def forget(folder: StateFolder) -> None:
    """Remove the socket at the end, before the lock is let go."""
    (folder.path / CONTROL).unlink(missing_ok=True)


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """The socket's address, by way of a descriptor of the folder where its path is too long."""
    path = folder / CONTROL
    if len(os.fsencode(path)) <= _PATH_BYTES_MAX:
        yield str(path)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{CONTROL}"
    finally:
        os.close(descriptor)
