"""The writing side of TLS: plain bytes in, records out to the socket's transport."""

import asyncio
import contextlib
import ssl
from typing import Any

_HELD_BYTES_MAX = 64 * 1024


class TlsTransport(asyncio.Transport):
    """What a connection writes to in place of `raw`. It keeps nothing back: records go to `raw` at
    once, so limits of buffers and `pause_writing` mean what they mean without TLS, in bytes of records.

    Only before the handshake is done does it hold what is written: a refusal that nobody waits for.
    """

    def __init__(self, raw: asyncio.Transport, context: ssl.SSLContext) -> None:
        super().__init__()
        self._raw = raw
        self._context = context
        self.incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self._outgoing, server_side=True)
        self.is_established = False
        """The handshake is done."""
        self.has_ended = False
        """Our end of the TLS stream is sent, or the connection is closing."""
        self._held = b""
        self._ends_when_established = False

    # What the layer calls.

    def established(self) -> None:
        """The handshake is done: send what waited for it."""
        self.is_established = True
        self.flush()
        held, self._held = self._held, b""
        if held:
            self.write(held)
        if self._ends_when_established:
            self.write_eof()

    def flush(self) -> int:
        """Send the records that are ready; return their bytes."""
        records = self._outgoing.read()
        if records and not self._raw.is_closing():
            self._raw.write(records)
        return len(records)

    # What the connection calls.

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        if self.has_ended:
            return
        if not self.is_established:
            self._held += data
            assert len(self._held) <= _HELD_BYTES_MAX, "before the handshake only refusals are sent"
            return
        view = memoryview(data)
        # One record takes 16 KiB at most, and each call makes one.
        while view:
            view = view[self.session.write(view) :]
        self.flush()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """End the TLS stream, then send FIN."""
        if not self.is_established:
            self._ends_when_established = True
        elif not self.has_ended:
            self._end()
            self._raw.write_eof()

    def close(self) -> None:
        if self.is_established and not self.has_ended:
            self._end()
        self.has_ended = True
        self._raw.close()

    def abort(self) -> None:
        self.has_ended = True
        self._raw.abort()

    def is_closing(self) -> bool:
        return self._raw.is_closing()

    def get_write_buffer_size(self) -> int:
        return len(self._held) + self._raw.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._raw.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "sslcontext":
            return self._context
        return self._raw.get_extra_info(name, default)

    def _end(self) -> None:
        self.has_ended = True
        # Ours is said then; it would wait for the other side's, which we need not.
        with contextlib.suppress(ssl.SSLError):
            self.session.unwrap()
        self.flush()
