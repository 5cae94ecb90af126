"""The operator's hand on the engines of a gateway that runs: look, drain, resume."""

from typing import Any

from evenhand.gateway.control import Command
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.engine_link import EngineLink
from evenhand.model import EngineName
from evenhand.stores import StateProblemError
from evenhand.telemetry import RequestLog


class EngineDesk:
    """Its commands are for the control socket. What is drained here is so until it is resumed or the
    gateway starts anew."""

    def __init__(self, dispatcher: Dispatcher, log: RequestLog) -> None:
        self._dispatcher = dispatcher
        self._log = log

    @property
    def commands(self) -> dict[str, Command]:
        """By the names that a line asks for."""
        return {"engines": self._list, "drain_engine": self._drain, "resume_engine": self._resume}

    async def _list(self, asked: dict[str, Any]) -> dict[str, Any]:
        del asked
        return {"engines": [self._row(link) for link in self._dispatcher.engines.values()]}

    async def _drain(self, asked: dict[str, Any]) -> dict[str, Any]:
        """It gets no more requests; those that it has end there."""
        link = self._named(asked)
        link.is_drained = True
        return self._changed(link)

    async def _resume(self, asked: dict[str, Any]) -> dict[str, Any]:
        """It gets requests again, whatever it has done before."""
        link = self._named(asked)
        link.is_drained = False
        link.names.forget()
        link.circuit.close()
        return self._changed(link)

    def _changed(self, link: EngineLink) -> dict[str, Any]:
        self._log.event("engine_drained", engine=link.name, drained=link.is_drained)
        self._dispatcher.link_changed(link)
        return {"engine": self._row(link)}

    def _named(self, asked: dict[str, Any]) -> EngineLink:
        name = str(asked.get("engine"))
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
