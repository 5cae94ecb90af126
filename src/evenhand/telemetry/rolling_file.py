"""A file of lines that is never longer than it may be: a full one is set aside for a new one.

PATH is being written, PATH.1 is the one before it; there are no more.
"""

import errno
import os
from pathlib import Path


class RollingFile:
    """Only its owner may read it. What an earlier process left at `path` is set aside too, unless it
    does not begin with `beginning` as our lines do: somebody wrote the wrong name then. Every method
    raises OSError if the disk does."""

    def __init__(self, path: Path, *, bytes_max: int, beginning: bytes) -> None:
        self._path = path
        self._beginning = beginning
        self._bytes_max = bytes_max
        self._fd = self._begin()
        self._bytes = 0
        self._is_torn = False

    def write(self, lines: bytes) -> None:
        """One or more whole lines."""
        if self._bytes and self._bytes + len(lines) > self._bytes_max:
            os.close(self._fd)
            self._fd = -1
        if self._fd == -1:
            self._fd = self._begin()
            self._bytes, self._is_torn = 0, False
        # After a write that failed in the middle, a new line begins.
        left = memoryview(b"\n" + lines if self._is_torn else lines)
        self._is_torn = True
        while left:
            written = os.write(self._fd, left)
            self._bytes += written
            left = left[written:]
        self._is_torn = False

    def close(self) -> None:
        """Write nothing afterwards."""
        if self._fd != -1:
            os.close(self._fd)
            self._fd = -1

    def _begin(self) -> int:
        if self._path.exists():
            self._check()
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def _check(self) -> None:
        found = None
        if self._path.is_file():
            with self._path.open("rb") as file:
                found = file.read(len(self._beginning))
        if found is None or (found and found != self._beginning):
            raise FileExistsError(errno.EEXIST, "something else is there", str(self._path))
