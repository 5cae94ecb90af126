"""A request that has not ended in both worlds yet."""

from dataclasses import dataclass

from evenhand.model import NO_USAGE, Outcome, Request, TenantPath, Usage
from evenhand.scheduling.shadow.world import Stay


@dataclass(slots=True, eq=False)
class Remembered:
    """What is known of it. The first group is known as soon as it really happens, which may be ahead of
    the shadow's time; the second is set when the shadow gets there.

    `at_engine_ms` is the time it has spent at engines that let it go; `running_since_ms` is set while
    it is really at one. `is_settled`: it has really ended, so `at_engine_ms` is how long it occupies
    its slot in the shadow.
    """

    request: Request
    row: TenantPath
    at_engine_ms: int = 0
    running_since_ms: int | None = None
    is_settled: bool = False
    usage: Usage = NO_USAGE
    outcome: Outcome = Outcome.CANCELLED_QUEUED

    real: Stay | None = None
    fair: Stay | None = None
    fair_started_ms: int | None = None
    is_really_over: bool = False
    is_fairly_over: bool = False

    def off_the_engine(self, now_ms: int) -> None:
        """Its engine really let it go."""
        assert self.running_since_ms is not None
        self.at_engine_ms += now_ms - self.running_since_ms
        self.running_since_ms = None

    def fair_end_ms_min(self, now_ms: int) -> int:
        """The earliest that it can end in the shadow, by what is known now. It must run there."""
        assert self.fair_started_ms is not None
        since_ms = now_ms if self.running_since_ms is None else self.running_since_ms
        return self.fair_started_ms + self.at_engine_ms + now_ms - since_ms
