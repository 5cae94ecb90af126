"""Whoever watches the queue and has no say in it. The dispatcher tells it what happens."""

from collections.abc import Collection
from typing import Protocol

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage


class QueueObserver(Protocol):
    """Told every fact once, at once, in order of time. It must not raise: traffic goes on whatever
    becomes of it. `now_ms` is the dispatcher's clock."""

    def arrived(self, request: Request, now_ms: int) -> None:
        """It was queued. A request that is refused at the door is not told of."""

    def started(self, request_id: RequestId, now_ms: int) -> None:
        """It is being sent to an engine."""

    def returned(self, request_id: RequestId, now_ms: int) -> None:
        """That engine failed, and it waits again."""

    def ended(self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int) -> None:
        """It was started, and is over."""

    def left(self, request_id: RequestId, now_ms: int) -> None:
        """It is over without having been started (again)."""

    def engine_changed(
        self, name: EngineName, *, window: int, models: Collection[ModelName], now_ms: int
    ) -> None:
        """An engine appeared, or its window (0: it is down) or models changed."""

    def close(self) -> None:
        """Nothing more will come."""
