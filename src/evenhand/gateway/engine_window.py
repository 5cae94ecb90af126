"""Windows that follow their engines: feeds the controllers, and carries out what they decide.

No policy here: how large a window should be is for `scheduling.window` to say.
"""

import asyncio

from evenhand.engines.circuit import CircuitState
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.engine_link import EngineLink
from evenhand.model import EngineReport
from evenhand.scheduling.window import WindowControl

_LOOK_EVERY_S = 0.25


class EngineWindows:
    """Of all engines of a dispatcher. A window of a fixed size stays as it is; what its engine tells is
    handed on all the same. `start` once, `close` at the end."""

    def __init__(self, dispatcher: Dispatcher, loop: asyncio.AbstractEventLoop) -> None:
        self._dispatcher = dispatcher
        self._scheduler = dispatcher.scheduler
        self._moving = [link for link in dispatcher.engines.values() if link.control is not None]
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    @property
    def controls(self) -> dict[str, WindowControl]:
        """Of the windows that move, by engine."""
        return {link.name: link.control for link in self._moving if link.control is not None}

    def start(self) -> None:
        """Look at each a few times a second, from now on."""
        if self._moving:
            self._look_later()

    def heard(self, link: EngineLink, report: EngineReport | None) -> None:
        """What an engine tells of itself now; None: it has ceased to."""
        if link.control is None:
            waiting = 0 if report is None else report.waiting or 0
            self._scheduler.engine_told(link.name, waiting=waiting, may_take_more=False)
        elif link.is_up:
            link.hear(report, in_flight=self._in_flight(link), is_awaited=self._is_awaited(link))
            self._carry_out(link)

    def changed(self, link: EngineLink, *, is_up: bool, reason: str) -> None:
        """An engine came up or went down."""
        if is_up and link.control is not None:
            link.control.came_up()
        self._dispatcher.engine_changed(link, is_up=is_up, reason=reason)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        self._timer = self._loop.call_later(_LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._look_later()
        for link in self._moving:
            if link.is_up:
                link.look(in_flight=self._in_flight(link), is_awaited=self._is_awaited(link))
                self._carry_out(link)

    def _carry_out(self, link: EngineLink) -> None:
        control, known = link.control, self._scheduler.capacity.engines[link.name]
        assert control is not None
        waiting, may_take_more = control.waiting_inside, control.may_take_more
        if (waiting, may_take_more) != (known.waiting, known.may_take_more):
            self._scheduler.engine_told(link.name, waiting=waiting, may_take_more=may_take_more)
        if control.window != link.window:
            self._dispatcher.window_changed(link, control.window)

    def _in_flight(self, link: EngineLink) -> int:
        return self._scheduler.capacity.engines[link.name].in_flight

    def _is_awaited(self, link: EngineLink) -> bool:
        """By somebody who would be sent there if it had room."""
        if link.circuit.state is not CircuitState.CLOSED:
            return False
        return any(link.name in pool.engines for pool in self._scheduler.tree.root.views)
