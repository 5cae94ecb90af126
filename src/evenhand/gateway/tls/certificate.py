"""The pair in force at one listener, and how another takes its place."""

import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from evenhand.gateway.tls.pair import PairError, TlsFiles, load_pair
from evenhand.telemetry import RequestLog

_SOON_S = 14 * 86_400

_State = tuple[tuple[int, ...] | None, ...]


class Certificate:
    """Holds a sound pair from its making on. New connections take `context` as it is then; those that
    are open keep theirs. Use from the loop's thread."""

    def __init__(
        self,
        listener: str,
        files: TlsFiles,
        log: RequestLog,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Read the pair of the listener named `listener`. Raises PairError."""
        self.listener = listener
        self.handshakes_failed = 0
        """Connections that sent something and never came to speak TLS with us."""
        self._files = files
        self._log = log
        self._clock = clock
        self._tried: _State = self._files_state()
        self._seen = self._tried
        self._pair = load_pair(files, clock())
        self._has_warned = False
        self._warn_when_due()

    @property
    def context(self) -> ssl.SSLContext:
        """For the next connection."""
        return self._pair.context

    @property
    def expires_s(self) -> int:
        """When the pair in force expires, in Unix time."""
        return self._pair.expires_s

    def reload(self) -> None:
        """Read the files again and log how that went. A pair with a fault changes nothing."""
        self._tried = self._seen = self._files_state()
        try:
            self._pair = load_pair(self._files, self._clock())
        except PairError as error:
            self._log.event("tls_reload_failed", listener=self.listener, reason=str(error))
            return
        self._log.event("tls_reloaded", listener=self.listener, expires=_date(self.expires_s))
        self._has_warned = False
        self._warn_when_due()

    def look(self) -> None:
        """Reload if the files have changed since they were read last and changed no more since the look
        before this one: whoever writes two files is not to be caught between them."""
        now = self._files_state()
        if now != self._tried and now == self._seen:
            self.reload()
        self._seen = now
        self._warn_when_due()

    def _files_state(self) -> _State:
        return tuple(_file_state(path) for path in (self._files.certificate, self._files.key))

    def _warn_when_due(self) -> None:
        left_s = self.expires_s - self._clock()
        if left_s >= _SOON_S or self._has_warned:
            return
        self._has_warned = True
        self._log.event(
            "tls_certificate_expires_soon",
            listener=self.listener,
            expires=_date(self.expires_s),
            days_left=int(left_s // 86_400),
        )


def _file_state(path: Path) -> tuple[int, ...] | None:
    """What changes when a file is written, replaced, or given another mode; None: not to be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode


def _date(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
