"""Whose an engine's time was, exactly: a step's time is divided among the requests in it, by the
tokens of each; what passes without a step is idle.

With steps scheduled ahead, one begins in truth when the one before it is done, so time is cut at the
moments at which steps are done, and where the first of them begins.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from evenhand.ledger.gpu import divide
from evenhand.model import ApplicationName, TenantPath


class StepOwner(NamedTuple):
    """Whose requests: as much as an engine is told."""

    tenant: TenantPath
    application: ApplicationName


class StepTimes(NamedTuple):
    """Microseconds of the machine's monotonic clock. `idle_us` and those of the owners sum to `until_us`
    less `since_us`."""

    since_us: int
    until_us: int
    idle_us: int
    by_owner: Mapping[StepOwner, int]


class StepTime:
    """`begun` and `done` for each step, in their order, from one thread; `now` from any."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._since_us = self._seen_us = now_us()
        # Bounded by the steps that an engine schedules ahead.
        self._steps: deque[Mapping[StepOwner, int]] = deque()
        self._idle_us = 0
        # Bounded by the tenants that are known, and their applications.
        self._by_owner: dict[StepOwner, int] = {}
        self._lock = threading.Lock()

    def begun(self, tokens: Mapping[StepOwner, int]) -> None:
        """A step was scheduled, with so many tokens of each."""
        with self._lock:
            if not self._steps:
                self._pass()
            self._steps.append(tokens)

    def done(self) -> None:
        """The first of those that were scheduled is done."""
        with self._lock:
            self._pass()
            if self._steps:
                self._steps.popleft()

    def now(self) -> StepTimes:
        """All up to this moment. Of a step that runs, its owners have what has passed of it."""
        with self._lock:
            self._pass()
            return StepTimes(self._since_us, self._seen_us, self._idle_us, dict(self._by_owner))

    def _pass(self) -> None:
        now_us = self._now_us()
        passed_us, self._seen_us = now_us - self._seen_us, now_us
        step = self._steps[0] if self._steps else {}
        if not any(step.values()):
            self._idle_us += passed_us
            return
        for owner, part in zip(step, divide(passed_us, list(step.values())), strict=True):
            self._by_owner[owner] = self._by_owner.get(owner, 0) + part
