"""Engines while they serve: windows of fixed size. All else of an engine is fixed at the start."""

import asyncio
from typing import Final

from evenhand.cli.config import Config, EmbeddedEngine, UrlEngine
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.participant import Apply
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.model import EngineName

_SET: Final = "are connected at the start: take the change back, or start the gateway anew with it"
_FIXED: Final = (
    "is fixed while the gateway runs, of an engine only a window that is a number is not: take it back,"
    " or start the gateway anew"
)


class EngineSizes:
    """See `Participant`. What runs at an engine goes on, whatever becomes of its window."""

    sections = frozenset({"engines"})

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        olds = {engine.name: engine for engine in old.engines}
        if {engine.name for engine in new.engines} != set(olds):
            return [(("engines",), _SET)]
        findings: list[Finding] = []
        windows: dict[str, int] = {}
        for index, engine in enumerate(new.engines):
            before = olds[engine.name]
            for name in _changed(before, engine):
                if name == "window" and engine.window != "auto" and before.window != "auto":
                    windows[engine.name] = engine.window
                else:
                    findings.append((("engines", index, name), _FIXED))
        return findings or (lambda: self._resize(windows))

    def _resize(self, windows: dict[str, int]) -> None:
        for name, window in windows.items():
            link = self._dispatcher.engines[EngineName(name)]
            link.window = window
            self._dispatcher.allowances.tell(link)
        if windows:
            # Not now: the change is not whole yet.
            asyncio.get_running_loop().call_soon(self._dispatcher.pump)


def _changed(old: EmbeddedEngine | UrlEngine, new: EmbeddedEngine | UrlEngine) -> list[str]:
    if type(old) is not type(new):
        return ["kind"]
    return [name for name in type(new).model_fields if getattr(old, name) != getattr(new, name)]
