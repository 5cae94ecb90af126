"""Writes that may block for ever, kept off the event loop.

A log pipe whose reader hangs blocks `write`. Making it non-blocking would change the open file for
every process that shares it (the shell, the embedded engine), and asking `poll` first races with
those. So a thread of its own writes, a bounded buffer stands between, and what does not fit or fails
is dropped and counted: the log may lose lines, the gateway may not lose time.
"""

import os
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from select import PIPE_BUF
from threading import Thread

Sink = Callable[[bytes], None]
"""Takes one or more whole lines. May block; may raise OSError, or ValueError if it is closed."""

# Up to this size a pipe takes a write whole or not at all, so that lines of others who share it do not
# land in ours. Several lines a write, because the thread may get few turns while the loop is busy.
_BATCH_BYTES_MAX = PIPE_BUF


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
        for batch in self._batches():
            try:
                self._sink(b"".join(batch))
            except (OSError, ValueError):
                self._failed_lines += len(batch)
            self._taken_bytes += sum(map(len, batch))

    def _batches(self) -> Iterator[list[bytes]]:
        """What is there, as many lines as one write takes; waits only for the first of a batch."""
        batch: list[bytes] = []
        size = 0
        while True:
            try:
                line = self._lines.get(block=not batch)
            except Empty:
                yield batch
                batch, size = [], 0
                continue
            if batch and (line is None or size + len(line) > _BATCH_BYTES_MAX):
                yield batch
                batch, size = [], 0
            if line is None:
                return
            batch.append(line)
            size += len(line)
