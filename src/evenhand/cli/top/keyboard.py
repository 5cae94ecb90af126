"""Single keys, as they are pressed."""

import os
import select
import sys
import termios
import time
import tty
from types import TracebackType
from typing import Any, Self


class Keyboard:
    """While it is open, keys are neither echoed nor waited for to the end of a line. Where standard
    input is no terminal there are no keys, and waiting is only waiting."""

    def __init__(self) -> None:
        self._fd: int | None = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        if self._fd is not None:
            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._fd is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    @property
    def is_there(self) -> bool:
        """Whether keys can be pressed at all."""
        return self._fd is not None

    def wait(self, seconds: float) -> str | None:
        """The next key within that time; None: none was pressed."""
        if self._fd is None:
            time.sleep(seconds)
            return None
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return None
        pressed = os.read(self._fd, 1).decode(errors="replace")
        return pressed or "q"  # the terminal is gone
