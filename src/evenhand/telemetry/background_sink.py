"""Writes that may block for ever, kept off the event loop.

A log pipe whose reader hangs blocks `write`. Making it non-blocking would change the open file for
every process that shares it (the shell, the embedded engine), and asking `poll` first races with
those. So a thread of its own writes, a bounded buffer stands between, and what does not fit or fails
is dropped and counted: the log may lose lines, the gateway may not lose time.
"""

import os
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

Sink = Callable[[bytes], None]
"""Takes one line. May block; may raise OSError, or ValueError if it is closed."""


def fd_sink(fd: int) -> Sink:
    """Give a sink that writes whole lines to a file descriptor; raises OSError."""

    def write_all(line: bytes) -> None:
        left = memoryview(line)
        while left:
            left = left[os.write(fd, left) :]

    return write_all


class BackgroundSink:
    """Passes lines to a sink in order, from one thread to another. `put` from one thread only; `close`
    must be called at the end."""

    def __init__(self, sink: Sink, *, buffer_bytes_max: int) -> None:
        self._sink = sink
        self._buffer_bytes_max = buffer_bytes_max
        # Bounded by `put`, in bytes.
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        # Each number has one writing thread, so none needs a lock.
        self._put_bytes = 0
        self._taken_bytes = 0
        self._overflowed_lines = 0
        self._failed_lines = 0
        self._thread = Thread(target=self._run, name="evenhand-log", daemon=True)
        self._thread.start()

    @property
    def dropped_lines(self) -> int:
        """Lines that found the buffer full or the sink broken."""
        return self._overflowed_lines + self._failed_lines

    def put(self, line: bytes) -> None:
        """Hand over one line; never blocks, never raises."""
        if self._put_bytes - self._taken_bytes + len(line) > self._buffer_bytes_max:
            self._overflowed_lines += 1
            return
        self._put_bytes += len(line)
        self._lines.put(line)

    def close(self, wait_ms: int) -> bool:
        """Write what is buffered, for at most `wait_ms`. False: the sink still blocks; its thread
        is left behind and does not keep the process from ending. Put nothing afterwards."""
        self._lines.put(None)
        self._thread.join(wait_ms / 1000)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._sink(line)
            except (OSError, ValueError):
                self._failed_lines += 1
            self._taken_bytes += len(line)
