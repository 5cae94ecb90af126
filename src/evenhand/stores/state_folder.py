"""The folder that holds a gateway's state, and the lock that keeps a second gateway out."""

import fcntl
import os
from pathlib import Path

from evenhand.stores.problem import StateProblemError

DATABASE = "evenhand.db"
LOCK = "gateway.lock"


class StateFolder:
    """`path` is made at first use, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @property
    def database(self) -> Path:
        return self.path / DATABASE

    def make(self) -> None:
        """Make the folder if it is not there. Raises StateProblemError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            why = error.strerror or error
            message = (
                f"cannot make the state folder {self.path} ({why}): choose another state.folder"
            )
            raise StateProblemError(message) from None

    def lock(self) -> None:
        """Keep the folder for this process until `unlock` or its end. Raises StateProblemError where
        another process has it: two writers would each decide without the other."""
        assert self._lock is None, "locked once"
        try:
            lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            why = error.strerror or error
            message = (
                f"cannot write in the state folder {self.path} ({why}): mend its owner and mode"
            )
            raise StateProblemError(message) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            message = (
                f"the state folder {self.path} is in use by another gateway: stop that one first, "
                "or give this one a state.folder of its own"
            )
            raise StateProblemError(message) from None
        self._lock = lock

    def is_in_use(self) -> bool:
        """Whether a process, this one included, has the folder locked. Raises StateProblemError."""
        try:
            lock = os.open(self.path / LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            why = error.strerror or error
            message = f"cannot read {self.path / LOCK} ({why}): run this as the gateway's own user"
            raise StateProblemError(message) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)  # and with it the lock, if it was got
        return False

    def unlock(self) -> None:
        """Let others have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
