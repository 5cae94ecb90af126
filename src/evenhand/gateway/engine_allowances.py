"""What each engine may be given, kept up to date in the scheduler as windows, circuits and ghosts
change. Nobody else tells the scheduler of engines."""

import asyncio
from collections.abc import Callable, Iterable

from evenhand.engines.circuit import Sent, Verdict
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.queue_observer import QueueObserver
from evenhand.model import EngineName, EngineReport, RequestId
from evenhand.scheduling import Scheduler


class EngineAllowances:
    """`on_room` is called, later and from the loop, when an engine may take more than before;
    `on_circuit` at once, when a circuit has changed."""

    def __init__(
        self,
        scheduler: Scheduler,
        links: Iterable[EngineLink],
        loop: asyncio.AbstractEventLoop,
        *,
        on_room: Callable[[], None],
        on_circuit: Callable[[EngineLink], None],
        observer: QueueObserver | None,
    ) -> None:
        self._scheduler = scheduler
        self._loop = loop
        self._on_room = on_room
        self._on_circuit = on_circuit
        self._observer = observer
        # One for each engine.
        self._timers: dict[EngineName, asyncio.TimerHandle] = {}
        self._computed: dict[EngineName, tuple[int, tuple[int | None, int | None]]] = {}
        self._held: dict[EngineName, int] = {}
        self._is_closed = False
        for link in links:
            self.tell(link)

    def tell(self, link: EngineLink) -> None:
        """Tell the scheduler what the engine may be given from here on, and wake up when that changes
        by itself. Call whenever something of the link has changed."""
        name = link.name
        state = self._scheduler.capacity.engines.get(name)
        window, held = link.allowance(0 if state is None else state.in_flight)
        if state is None or window != state.window or link.models != state.models:
            self._scheduler.engine_changed(name, window=window, models=link.models)
            if self._observer is not None:
                self._observer.engine_changed(
                    name, window=window, models=link.models, now_ms=self._now_ms()
                )
        if held != self._held.get(name, 0):
            self._held[name] = held
            self._scheduler.engine_held(name, slots=held)
        self._arm(link)

    def started(self, link: EngineLink, request_id: RequestId, now_ms: int) -> None:
        """A request was sent there."""
        link.started_ms = now_ms
        if link.circuit.started(request_id):
            self.tell(link)

    def answers(self, link: EngineLink, request_id: RequestId) -> None:
        """The first word of an answer has come."""
        if link.circuit.answers(request_id):
            self._circuit_changed(link)

    def ended(self, link: EngineLink, sent: Sent, verdict: Verdict, *, is_given_up: bool) -> None:
        """A request has been taken off the engine. If it was given up, the engine may still be at it."""
        now_ms = self._now_ms()
        changed = link.circuit.ended(sent, verdict, now_ms)
        if (is_given_up and link.ghosts.add(now_ms)) or link.circuit.because is not None:
            self.tell(link)
        if changed:
            self._circuit_changed(link)

    def asks_for_pause(self, link: EngineLink, wait_ms: int) -> None:
        """The engine has refused a request, and said when to come back."""
        if link.circuit.pause(wait_ms, self._now_ms()):
            self._circuit_changed(link)

    def reported(self, link: EngineLink, report: EngineReport, asked_ms: int) -> None:
        """The engine has said what it is at; it was asked at `asked_ms`. If it has computed anything
        since it was asked before, it was alive then, though perhaps no word of an answer has come."""
        asked_before_ms, computed_before = self._computed.get(link.name, (0, None))
        computed = (report.input_tokens, report.output_tokens)
        self._computed[link.name] = asked_ms, computed
        if computed_before is not None and computed != computed_before:
            link.heard_s = max(link.heard_s, asked_before_ms / 1000)
        if not len(link.ghosts) or link.started_ms >= asked_ms:
            return  # what was sent meanwhile may be missing in its count
        in_flight = self._scheduler.capacity.engines[link.name].in_flight
        if link.ghosts.confirm(report, in_flight=in_flight, asked_ms=asked_ms):
            self._more_room(link)

    def restarted(self, link: EngineLink) -> None:
        """The engine has begun anew: nothing of what it was at is left."""
        link.ghosts.clear()
        link.names.forget()
        if link.control is not None:
            link.control.came_up()
        if link.circuit.close():
            self._circuit_changed(link)
        self._more_room(link)

    def close(self) -> None:
        """Stop the clocks, and start none."""
        self._is_closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _now_ms(self) -> int:
        return int(self._loop.time() * 1000)

    def _circuit_changed(self, link: EngineLink) -> None:
        self._on_circuit(link)
        self._more_room(link)

    def _more_room(self, link: EngineLink) -> None:
        self.tell(link)
        self._loop.call_soon(self._on_room)

    def _arm(self, link: EngineLink) -> None:
        """One timer an engine, for what ends first: a ghost's grace, or an open circuit."""
        dues_ms = [due for due in (link.ghosts.due_ms, link.circuit.due_ms) if due is not None]
        timer = self._timers.pop(link.name, None)
        if timer is not None:
            timer.cancel()
        if dues_ms and not self._is_closed:
            at_s = (min(dues_ms) + 1) / 1000
            self._timers[link.name] = self._loop.call_at(at_s, self._due, link)

    def _due(self, link: EngineLink) -> None:
        del self._timers[link.name]
        now_ms = self._now_ms()
        link.ghosts.expire(now_ms)
        if link.circuit.look(now_ms):
            self._on_circuit(link)
        self._more_room(link)
