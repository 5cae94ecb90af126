"""Writes that may block for ever, kept off the event loop.

A log pipe whose reader hangs blocks `write`. Making it non-blocking would change the open file for
every process that shares it (the shell, the embedded engine), and asking `poll` first races with
those. So a thread of its own writes, a bounded buffer stands between, and what does not fit or fails
is dropped and counted: the log may lose lines, the gateway may not lose time.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from select import PIPE_BUF
from threading import Event, Thread

Sink = Callable[[bytes], None]
"""Takes one or more whole lines. May block; may raise OSError, or ValueError if it is closed."""

# Up to this size a pipe takes a write whole or not at all, so that lines of others who share it do not
# land in ours.
_BATCH_BYTES_MAX = PIPE_BUF


def fd_sink(fd: int) -> Sink:
    """Give a sink that writes whole lines to a file descriptor; raises OSError."""

    def write_all(line: bytes) -> None:
        left = memoryview(line)
        while left:
            left = left[os.write(fd, left) :]

    return write_all


# A thread that wakes for every line takes the interpreter from the loop each time (measured: half the
# CPU of a request). It lets lines gather for so long instead.
_GATHER_S = 0.02


class BackgroundSink:
    """Passes lines to a sink in order, from one thread to another. `put` from one thread only; `close`
    must be called at the end."""

    def __init__(self, sink: Sink, *, buffer_bytes_max: int) -> None:
        self._sink = sink
        self._buffer_bytes_max = buffer_bytes_max
        # Bounded by `put`, in bytes.
        self._lines: deque[bytes] = deque()
        self._has_lines = Event()
        self._is_closed = Event()
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
        put_bytes = self._put_bytes + len(line)
        if put_bytes - self._taken_bytes > self._buffer_bytes_max:
            self._overflowed_lines += 1
            return
        self._put_bytes = put_bytes
        lines = self._lines
        lines.append(line)
        # Where others wait before it, the thread was woken for them and takes this one too.
        if len(lines) == 1:
            self._has_lines.set()

    def close(self, wait_ms: int) -> bool:
        """Write what is buffered, for at most `wait_ms`. False: the sink still blocks; its thread
        is left behind and does not keep the process from ending. Put nothing afterwards."""
        self._is_closed.set()
        self._has_lines.set()
        self._thread.join(wait_ms / 1000)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._is_closed.is_set():
            self._has_lines.wait()
            self._is_closed.wait(_GATHER_S)
            # Before the lines are taken: one that is put from here on wakes us again.
            self._has_lines.clear()
            self._write_out()
        self._write_out()

    def _write_out(self) -> None:
        for batch in self._batches():
            try:
                self._sink(b"".join(batch))
            except (OSError, ValueError):
                self._failed_lines += len(batch)
            self._taken_bytes += sum(map(len, batch))

    def _batches(self) -> Iterator[list[bytes]]:
        """All that is there, as many lines as one write takes."""
        batch: list[bytes] = []
        size = 0
        while self._lines:
            line = self._lines.popleft()
            if batch and size + len(line) > _BATCH_BYTES_MAX:
                yield batch
                batch, size = [], 0
            batch.append(line)
            size += len(line)
        if batch:
            yield batch
