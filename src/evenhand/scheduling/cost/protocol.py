"""The seam of cost: what the work of a request adds to the counters of its tenant, in integer units."""

from typing import NamedTuple, Protocol

from evenhand.model import Request, Usage
from evenhand.scheduling.cost.weights import TokenWeights


class Work(NamedTuple):
    """What a request has caused, or is expected to cause. `engine_us` is its part of the time of the
    engine it runs on, microseconds shared among all that ran there together; None: not known yet."""

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    engine_us: int | None = None


class Cost(Protocol):
    """Any function of work that does not fall while output and time grow. A request is charged the
    difference whenever more is known, so in sum `units` of what it really used, exactly once."""

    @property
    def weights(self) -> TokenWeights | None:
        """Its weights, where it is nothing but so many units for each token; None: ask `units`."""

    @property
    def measures_time(self) -> bool:
        """Whether `engine_us` matters."""

    def pin(self, request: Request) -> int:
        """What its cost depends on besides its own work, for instance what its application is expected
        to use. Asked when it is submitted and again when it is picked; then it stays until its end."""

    def units(self, work: Work, pinned: int) -> int:
        """Cost of that work, at least 0."""

    def units_max(self, input_tokens: int, output_tokens: int) -> int | None:
        """The most that a request of no more tokens than these can cost, whatever is pinned for it; None
        where tokens are no limit."""

    def learn(self, request: Request, usage: Usage, engine_us: int, now_ms: int) -> None:
        """A request that ran and what it is charged for, however it ended. Exactly once for each."""
