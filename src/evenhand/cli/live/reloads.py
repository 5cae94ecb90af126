"""SIGHUP: certificates and the configuration file are read again."""

import asyncio

from evenhand.cli.live.live_configuration import Asked, LiveConfiguration
from evenhand.cli.live.refusal import ChangeRefusedError
from evenhand.cli.notify import READY, reloading, tell_manager
from evenhand.gateway.server import GatewayServer
from evenhand.stores import StateProblemError
from evenhand.telemetry import RequestLog

_WHO = "SIGHUP"


class Reloads:
    """However many are asked for, one is under way and one waits for all of them."""

    def __init__(self, server: GatewayServer, live: LiveConfiguration, log: RequestLog) -> None:
        self._server = server
        self._live = live
        self._log = log
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def ask(self) -> None:
        """From a signal's handler."""
        if self._task is not None:
            self._again = True
            return
        self._task = asyncio.get_running_loop().create_task(self._reload(), name="evenhand-reload")

    async def _reload(self) -> None:
        try:
            self._again = True
            while self._again:
                self._again = False
                tell_manager(self._log, reloading())
                await self._once()
                tell_manager(self._log, READY)
        finally:
            self._task = None

    async def _once(self) -> None:
        has_certificates = self._server.reload()
        try:
            change = await self._live.reload(Asked(who=_WHO, what="reload"))
        except (ChangeRefusedError, StateProblemError) as error:
            self._log.event("reload_refused", reason=str(error))
            return
        if not change.differences and not has_certificates:
            reason = "the file is as it was, and there is no tls to read again"
            self._log.event("reload_without_effect", reason=reason)
