"""The operator's hand on the engines of a gateway that runs: look, drain, resume."""

from collections.abc import Awaitable, Callable
from typing import Any

from evenhand.gateway.control import Command
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.engine_link import EngineLink
from evenhand.model import EngineName
from evenhand.stores import StateProblemError
from evenhand.telemetry import RequestLog

Note = Callable[[str, str, str], Awaitable[None]]
"""Tells the audit who did what to which place. Raises StateProblemError."""


class EngineDesk:
    """For the control socket and the admin API. What is drained here is so until it is resumed or the
    gateway starts anew."""

    def __init__(self, dispatcher: Dispatcher, log: RequestLog, note: Note) -> None:
        self._dispatcher = dispatcher
        self._log = log
        self._note = note

    @property
    def commands(self) -> dict[str, Command]:
        """By the names that a line asks for."""
        return {"engines": self._list, "drain_engine": self._drain, "resume_engine": self._resume}

    async def _list(self, asked: dict[str, Any]) -> dict[str, Any]:
        del asked
        return {"engines": self.rows()}

    async def _drain(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"engine": await self.drain(str(asked.get("engine")), asked["who"])}

    async def _resume(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"engine": await self.resume(str(asked.get("engine")), asked["who"])}

    def rows(self) -> list[dict[str, Any]]:
        """All engines."""
        return [self._row(link) for link in self._dispatcher.engines.values()]

    async def drain(self, name: str, who: str) -> dict[str, Any]:
        """It gets no more requests; those that it has end there. Raises StateProblemError."""
        link = self._named(name)
        await self._note(who, "drain engine", f"engines[{name}]")
        link.is_drained = True
        return self._changed(link)

    async def resume(self, name: str, who: str) -> dict[str, Any]:
        """It gets requests again, whatever it has done before. Raises StateProblemError."""
        link = self._named(name)
        await self._note(who, "resume engine", f"engines[{name}]")
        link.is_drained = False
        link.names.forget()
        link.circuit.close()
        return self._changed(link)

    def _changed(self, link: EngineLink) -> dict[str, Any]:
        self._log.event("engine_drained", engine=link.name, drained=link.is_drained)
        self._dispatcher.link_changed(link)
        return self._row(link)

    def _named(self, name: str) -> EngineLink:
        link = self._dispatcher.engines.get(EngineName(name))
        if link is None:
            known = ", ".join(sorted(self._dispatcher.engines))
            raise StateProblemError(f"there is no engine {name[:100]!r}: name one of {known}")
        return link

    def _row(self, link: EngineLink) -> dict[str, Any]:
        state = self._dispatcher.scheduler.capacity.engines[link.name]
        return {
            "name": link.name,
            "up": link.is_up,
            "reason": link.reason,
            "drained": link.is_drained,
            "circuit": link.circuit.state,
            "circuit_because": link.circuit.because,
            "window": link.window,
            "in_flight": state.in_flight,
            "given_up": len(link.ghosts),
        }
