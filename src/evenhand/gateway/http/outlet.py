"""The writing side of one connection: a client that stops taking bytes is found out and cut."""

import asyncio
from collections.abc import Callable

from evenhand.gateway.http.deadline import Deadline
from evenhand.gateway.http.settings import EdgeSettings

_STALL_CHECKS = 4


class Outlet:
    """Writes to one transport and watches that the client's kernel keeps taking.

    `too_slow` is called when it took nothing for `write_stall_ms` with the buffer above its high
    mark, or when a streamed piece would wait behind more than `client_buffer_bytes_max`.
    """

    __slots__ = (
        "_deadline",
        "_idle_checks",
        "_settings",
        "_slow_bytes",
        "_taken_bytes",
        "_too_slow",
        "_transport",
        "slow",
        "write",
        "write_bounded",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        settings: EdgeSettings,
        too_slow: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._too_slow = too_slow
        self._deadline = Deadline(loop, self._check_stall)
        self._slow_bytes = 0
        """Written since the client is slow."""
        self._taken_bytes = 0
        self._idle_checks = 0
        self.slow = False
        """The buffer is above its high mark, or was and has not drained yet."""
        # As long as the client keeps up, nothing stands between the pieces and the transport.
        self.write: Callable[[bytes], None] = transport.write
        """Write, however much waits already."""
        self.write_bounded: Callable[[bytes], None] = transport.write
        """Write a piece of a stream, unless too much waits already. One large piece to a client that
        keeps up is not the client's fault."""
        transport.set_write_buffer_limits(high=settings.slow_bytes)

    def buffered_bytes(self) -> int:
        """Bytes written and not yet taken by the kernel."""
        return self._transport.get_write_buffer_size()

    def paused(self) -> None:
        """The transport's `pause_writing`."""
        self.slow = True
        self.write, self.write_bounded = self._write_slow, self._write_slow_bounded
        self._idle_checks = 0
        self._slow_bytes = 0
        self._taken_bytes = -self.buffered_bytes()
        self._deadline.set(self._settings.write_stall_ms / _STALL_CHECKS)

    def resumed(self) -> None:
        """The transport's `resume_writing`."""
        self._keeps_up()
        self._deadline.clear()

    def finish(self) -> bool:
        """Send FIN after the last byte; say whether all is sent. If not, `resumed` follows.

        Until then the stall check watches, now from the first byte that is not taken.
        """
        if self._transport.is_closing():
            return True
        self._transport.set_write_buffer_limits(high=0)
        self._transport.write_eof()
        return not self.slow

    def abort(self) -> None:
        """Throw away what is not sent, and end the connection."""
        self._keeps_up()  # lets go of the methods, which refer back
        self._deadline.stop()
        self._transport.abort()

    def _keeps_up(self) -> None:
        self.slow = False
        self.write = self.write_bounded = self._transport.write

    def _write_slow(self, data: bytes) -> None:
        self._slow_bytes += len(data)
        self._transport.write(data)

    def _write_slow_bounded(self, data: bytes) -> None:
        self._write_slow(data)
        if self.buffered_bytes() > self._settings.client_buffer_bytes_max:
            self._too_slow()

    def _check_stall(self) -> None:
        taken_bytes = self._slow_bytes - self.buffered_bytes()
        # Less than before is possible inside TLS, whose records take more room than what was written.
        self._idle_checks = self._idle_checks + 1 if taken_bytes <= self._taken_bytes else 0
        self._taken_bytes = taken_bytes
        if self._idle_checks >= _STALL_CHECKS:
            self._too_slow()
        else:
            self._deadline.set(self._settings.write_stall_ms / _STALL_CHECKS)
