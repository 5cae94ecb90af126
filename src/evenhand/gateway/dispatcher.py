"""The host loop around the scheduling core: its decisions become calls, the world becomes its events.

No policy here: who is next, where, and at what charge is the core's to say.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from evenhand.engines.circuit import Sent, Verdict
from evenhand.gateway.engine_allowances import EngineAllowances
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.queue_observer import QueueObserver
from evenhand.model import EngineName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import Refusal, Scheduler, Settlement

TENANT_GONE = (
    "The tenant of this API key was taken out of service meanwhile. Ask the operator of this gateway for"
    " another key."
)


class Dispatched(Protocol):
    """One call, as the dispatcher knows it."""

    def start(self, engine: EngineLink, waited_ms: int) -> None:
        """It is its turn: send it to that engine. Must end in `settle` or `try_again` once."""

    def refused(self, refusal: Refusal) -> None:
        """It is not served (limits, shed, waited too long); the scheduler has forgotten it."""

    def crashed(self, error: Exception) -> None:
        """Our own code failed on it; it must end all the same."""


class Dispatcher:
    """Feeds the scheduler and carries out what it decides. One per process, on the loop's thread."""

    def __init__(
        self,
        scheduler: Scheduler,
        engines: Iterable[EngineLink],
        loop: asyncio.AbstractEventLoop,
        *,
        on_engine: Callable[[EngineLink], None] = lambda _: None,
        on_circuit: Callable[[EngineLink], None] = lambda _: None,
        observer: QueueObserver | None = None,
    ) -> None:
        self.scheduler = scheduler
        self.engines: dict[EngineName, EngineLink] = {link.name: link for link in engines}
        self._loop = loop
        self._on_engine = on_engine
        self._observer = observer
        self._calls: dict[RequestId, Dispatched] = {}
        self._expiry: asyncio.TimerHandle | None = None
        self._is_pumping = False
        self.allowances = EngineAllowances(
            scheduler,
            self.engines.values(),
            loop,
            on_room=self.pump,
            on_circuit=on_circuit,
            observer=observer,
        )

    def now_ms(self) -> int:
        """The loop's monotonic clock."""
        return int(self._loop.time() * 1000)

    def submit(self, call: Dispatched, request: Request) -> None:
        """Queue a call; it hears of its turn or its refusal, possibly before this returns."""
        now_ms = self.now_ms()
        if not self.scheduler.tree.has_leaf(request.tenant):
            call.refused(Refusal(request, Outcome.UNAUTHENTICATED, TENANT_GONE))
            return
        # From within a start it takes the long way, or one start could nest in another without end.
        engine = None if self._is_pumping else self.scheduler.start_at_once(request, now_ms)
        if engine is not None:
            self._calls[request.id] = call
            if self._observer is not None:
                self._observer.arrived(request, now_ms)
            self._is_pumping = True
            try:
                self._start(request.id, engine, 0, now_ms)
            finally:
                self._is_pumping = False
            if self.scheduler.backlog.requests:
                self.pump()
            return
        submission = self.scheduler.submit(request, now_ms)
        # Only when the scheduler has it: what raised there leaves nothing behind here.
        self._calls[request.id] = call
        for refusal in submission.shed:
            self._end_waiting(refusal, now_ms)
        if submission.refused is not None:
            self._refuse(submission.refused)
            return
        if self._observer is not None:
            self._observer.arrived(request, now_ms)
        self.pump()

    def cancel(self, request_id: RequestId) -> None:
        """A waiting call's client has left."""
        now_ms = self.now_ms()
        self.scheduler.cancel(request_id, now_ms)
        del self._calls[request_id]
        if self._observer is not None:
            self._observer.left(request_id, now_ms)

    def prompt_counted(
        self, request_id: RequestId, input_tokens: int, cached_tokens: int | None
    ) -> None:
        """Its engine has said how long its prompt is and, unless None, how much of it was cached."""
        self.scheduler.prompt_counted(request_id, input_tokens, cached_tokens, self.now_ms())

    def produced(self, request_id: RequestId, tokens: int) -> None:
        self.scheduler.produced(request_id, tokens, int(self._loop.time() * 1000))

    def settle(
        self,
        request_id: RequestId,
        usage: Usage,
        outcome: Outcome,
        *,
        verdict: Verdict = Verdict.NONE,
        is_given_up: bool = False,
    ) -> Settlement:
        """End a started call: the engine's connection must be closed or its answer complete. Its slot
        is free at once, unless it was given up while the engine was at it."""
        now_ms = self.now_ms()
        settlement = self.scheduler.settle(request_id, usage, outcome, now_ms)
        del self._calls[request_id]
        if self._observer is not None:
            self._observer.ended(request_id, usage, outcome, now_ms)
        request, link = settlement.request, self.engines[settlement.engine]
        sent = Sent(request_id, request.tenant, request.model)
        self.allowances.ended(link, sent, verdict, is_given_up=is_given_up)
        if self.scheduler.backlog.requests:
            self._loop.call_soon(self.pump)
        return settlement

    def try_again_elsewhere(self, link: EngineLink, sent: Sent, verdict: Verdict) -> bool:
        """Its engine failed before the first byte. True: it waits for another engine."""
        now_ms = self.now_ms()
        again = self.scheduler.try_again_elsewhere(sent.id, now_ms)
        if again:
            if self._observer is not None:
                self._observer.returned(sent.id, now_ms)
            self.allowances.ended(link, sent, verdict, is_given_up=False)
            self._loop.call_soon(self.pump)
        return again

    def engine_changed(self, link: EngineLink, *, is_up: bool, reason: str) -> None:
        """An engine came up or went down. What runs there ends by itself."""
        link.is_up, link.reason = is_up, reason
        if link.gpu is not None:
            link.gpu.engine_changed(is_up=is_up)
        self._on_engine(link)
        self.link_changed(link)

    def link_changed(self, link: EngineLink) -> None:
        """Something of it has changed that says how much it may be given: start what now can start."""
        self.allowances.tell(link)
        self.pump()

    def window_changed(self, link: EngineLink, window: int) -> None:
        """More, or fewer, may be in flight at an engine. What runs there goes on."""
        may_start = window > link.window
        link.window = window
        self.allowances.tell(link)
        if may_start and self.scheduler.backlog.requests:
            self.pump()

    def pump(self) -> None:
        """Start whatever can start. Safe to call at any time, also from within a start."""
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            while (start := self.scheduler.next(now_ms := self.now_ms())) is not None:
                self._start(start.request.id, start.engine, start.waited_ms, now_ms)
            # Last: whoever can start has not waited too long, and one whose engine has failed after
            # the time limit can.
            now_ms = self.now_ms()
            for refusal in self.scheduler.expire(now_ms):
                self._end_waiting(refusal, now_ms)
        finally:
            self._is_pumping = False
        self._arm_expiry()

    def close(self) -> None:
        """Stop the clocks, and the observer. Calls that are open stay the callers' to end."""
        self._disarm_expiry()
        self.allowances.close()
        if self._observer is not None:
            self._observer.close()

    def _start(
        self, request_id: RequestId, engine: EngineName, waited_ms: int, now_ms: int
    ) -> None:
        call, link = self._calls[request_id], self.engines[engine]
        if self._observer is not None:
            self._observer.started(request_id, now_ms)
        self.allowances.started(link, request_id, now_ms)
        try:
            call.start(link, waited_ms)
        except Exception as error:  # noqa: BLE001 - a host loop: one call's fault is its own
            call.crashed(error)

    def _end_waiting(self, refusal: Refusal, now_ms: int) -> None:
        """It was queued, and has been shed or has waited too long."""
        if self._observer is not None:
            self._observer.left(refusal.request.id, now_ms)
        self._refuse(refusal)

    def _refuse(self, refusal: Refusal) -> None:
        self._calls.pop(refusal.request.id).refused(refusal)

    def _arm_expiry(self) -> None:
        """One timer, for the next that may have waited too long."""
        soonest_ms = self.scheduler.next_expiry_ms()
        if soonest_ms is None:
            self._disarm_expiry()
            return
        at_s = (soonest_ms + 1) / 1000
        if self._expiry is not None:
            if self._expiry.when() <= at_s and not self._expiry.cancelled():
                return
            self._expiry.cancel()
        self._expiry = self._loop.call_at(at_s, self._expire)

    def _disarm_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def _expire(self) -> None:
        self._expiry = None
        self.pump()
