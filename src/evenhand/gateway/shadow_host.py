"""The host of the shadow: gives it its time on the loop, tells the log, and keeps its faults to itself.

No policy here: what would have been is the shadow's to compute.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Concatenate, Final, ParamSpec, TypeVar

from evenhand.gateway.queue_observer import QueueObserver
from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling.shadow import Observation, Shadow
from evenhand.telemetry import RequestLog

REPORT_EVERY_S: Final = 60.0

_FOLLOW_AFTER_S: Final = 0.1
"""Facts are gathered for so long, so that the hot path only writes them down."""

_BREATH_S: Final = 0.005
_STEPS_MAX: Final = 25
"""Moments that are followed in one go, then the traffic has the loop again. Measured at 4000 requests a
second: 7 ms of processor time in one go. Twice the thousand moments that a second can have."""

P = ParamSpec("P")
T = TypeVar("T")


class ShadowHost:
    """A `QueueObserver`. If the shadow fails it is switched off: `failure` says so, traffic goes on."""

    def __init__(
        self,
        shadow: Shadow,
        log: RequestLog,
        loop: asyncio.AbstractEventLoop,
        *,
        report_every_s: float = REPORT_EVERY_S,
    ) -> None:
        self.preset = shadow.settings.policy.name
        self.reads_prefix = shadow.settings.policy.reads_prefix
        self.failure: str | None = None
        """Why there is no shadow any more; None while it follows."""
        self._shadow: Shadow | None = shadow
        self._log = log
        self._loop = loop
        self._report_every_s = report_every_s
        self._following: asyncio.TimerHandle | None = None
        self._reporting: asyncio.TimerHandle | None = None
        self._had_traffic = False
        self._is_closed = False

    def arrived(self, request: Request, now_ms: int) -> None:
        self._had_traffic = True
        if self._reporting is None and self._is_following():
            self._reporting = self._loop.call_later(self._report_every_s, self._report)
        self._tell(Shadow.arrived, request, now_ms)

    def started(self, request_id: RequestId, now_ms: int) -> None:
        self._tell(Shadow.started, request_id, now_ms)

    def returned(self, request_id: RequestId, now_ms: int) -> None:
        self._tell(Shadow.returned, request_id, now_ms)

    def ended(self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int) -> None:
        self._tell(Shadow.ended, request_id, usage, outcome, now_ms)

    def left(self, request_id: RequestId, now_ms: int) -> None:
        self._tell(Shadow.left, request_id, now_ms)

    def engine_changed(
        self, name: EngineName, *, window: int, models: Collection[ModelName], now_ms: int
    ) -> None:
        self._tell(Shadow.engine_changed, name, window=window, models=models, now_ms=now_ms)

    def close(self) -> None:
        """Follow to the end, and log the last report if there was any traffic."""
        now_ms = self.now_ms() + 1  # nothing more can come at this moment either
        while self._ask(Shadow.advance, now_ms, steps_max=_STEPS_MAX):
            pass
        if self._had_traffic:
            self._log_totals()
        self._is_closed = True
        self._stop_timers()

    def now_ms(self) -> int:
        """The dispatcher's clock."""
        return int(self._loop.time() * 1000)

    def observation(self) -> Observation | None:
        """What was found so far; None: the shadow has failed."""
        self._ask(Shadow.advance, self.now_ms(), steps_max=_STEPS_MAX)
        return self._ask(Shadow.observation)

    def _tell(
        self, fact: Callable[Concatenate[Shadow, P], None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        if not self._is_closed:
            self._ask(fact, *args, **kwargs)
        if self._following is None and self._is_following():
            self._following = self._loop.call_later(_FOLLOW_AFTER_S, self._follow)

    def _ask(
        self, question: Callable[Concatenate[Shadow, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Its answer; None if it fails on it or has failed before."""
        if self._shadow is None:
            return None
        try:
            return question(self._shadow, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a host loop: whatever is wrong with the shadow is its own
            self._switch_off(error)
            return None

    def _is_following(self) -> bool:
        return self._shadow is not None and not self._is_closed

    def _follow(self) -> None:
        self._following = None
        if self._ask(Shadow.advance, self.now_ms(), steps_max=_STEPS_MAX):
            self._following = self._loop.call_later(_BREATH_S, self._follow)

    def _report(self) -> None:
        self._reporting = None
        self._log_totals()

    def _log_totals(self) -> None:
        found = self.observation()
        if found is None:
            return
        arrival = [row.arrival.waits for row in found.in_all]
        fair = [row.fair.waits for row in found.in_all]
        self._log.event(
            "observed",
            policy=self.preset,
            tenants=len(found.in_all),
            arrival_requests=sum(waits.count for waits in arrival),
            arrival_wait_ms=sum(waits.total_ms for waits in arrival),
            fair_requests=sum(waits.count for waits in fair),
            fair_wait_ms=sum(waits.total_ms for waits in fair),
            open=found.remembered,
            behind_ms=max(0, self.now_ms() - found.at_ms),
            resets=found.resets,
            unobserved=found.unobserved,
        )

    def _switch_off(self, error: Exception) -> None:
        """Once: its memory is freed, and the fault is told with its trace."""
        self._shadow = None
        self.failure = f"{type(error).__name__}: {error}"
        self._stop_timers()
        self._log.event("observing_failed", reason=self.failure)
        message = "the shadow of `mode: observe` failed and is switched off; traffic goes on"
        self._loop.call_exception_handler({"message": message, "exception": error})

    def _stop_timers(self) -> None:
        for timer in (self._following, self._reporting):
            if timer is not None:
                timer.cancel()
        self._following = self._reporting = None


_: type[QueueObserver] = ShadowHost
