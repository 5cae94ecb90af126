"""Looks after the files of certificates every few seconds: no renewal needs a restart or a signal."""

import asyncio
from collections.abc import Sequence

from evenhand.gateway.tls.certificate import Certificate

INTERVAL_MS = 2_000


class CertificateWatch:
    """`start` in the loop, `stop` at the end. A look costs two `stat` calls per certificate."""

    def __init__(
        self, certificates: Sequence[Certificate], *, interval_ms: int = INTERVAL_MS
    ) -> None:
        self._certificates = certificates
        self._interval_s = interval_ms / 1000
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look, if there is anything to look at."""
        if self._certificates:
            self._schedule(asyncio.get_running_loop())

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self._interval_s, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        for certificate in self._certificates:
            certificate.look()
        self._schedule(loop)
