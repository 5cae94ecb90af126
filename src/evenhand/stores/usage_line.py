"""What a group of requests has used, in integers."""

from collections import Counter
from dataclasses import dataclass, field

Group = tuple[str, ...]
"""Values of the grouping columns, in their order; empty where a request has none (no engine)."""


@dataclass(slots=True)
class UsageLine:
    """Sums over requests. `input_tokens` includes the cached ones, `output_tokens` the
    `reasoning_tokens`. `gpu_us` are microseconds of GPUs. Money is in nano-units, by currency: amounts
    of different currencies are never added. `held_*` belong to requests that are open now, which are not
    in any other figure."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Requests by how they ended."""
    charged: int = 0
    """Requests that were settled, whatever their outcome; the others were charged nothing."""
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    gpu_us: int = 0
    estimated_tokens: int = 0
    """Input and output tokens of requests whose engine did not report them all."""
    units: int = 0
    nano: Counter[str] = field(default_factory=Counter)
    corrections: int = 0
    """How many are part of the other figures."""
    corrected_nano: Counter[str] = field(default_factory=Counter)
    """What of `nano` they are."""
    open_requests: int = 0
    held_tokens: int = 0
    held_nano: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        """All that have ended."""
        return self.outcomes.total()

    @property
    def completed(self) -> int:
        return self.outcomes["completed"]

    @property
    def cut_short(self) -> int:
        """Charged for what was produced, without being completed."""
        return self.charged - self.completed

    @property
    def not_charged(self) -> int:
        """Ended without work that is charged: refused, left while waiting, expired."""
        return self.requests - self.charged

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def add(self, other: "UsageLine") -> None:
        """Take in the sums of another line."""
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for name in _FIGURES:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_COUNTERS = ("outcomes", "nano", "corrected_nano", "held_nano")
_FIGURES = (
    "charged",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "gpu_us",
    "estimated_tokens",
    "units",
    "corrections",
    "open_requests",
    "held_tokens",
)
