"""The one place that says how many steps each stateful machine takes.

`EVENHAND_STEPS=6` takes six times as many; with `EVENHAND_EXPLORE=1` they are new ones.
"""

import os
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, settings

from evenhand.scheduling import PRESETS

TIMES = int(os.environ.get("EVENHAND_STEPS", "1"))
EVERY_RUN_MIN = 50_000
NIGHTLY_MIN = 300_000
NIGHTLY_TIMES = 6
"""What `make nightly` sets `EVENHAND_STEPS` to."""


class Budget(NamedTuple):
    """So many examples of so many steps."""

    examples: int
    steps: int

    @property
    def in_all(self) -> int:
        return self.examples * self.steps


BUDGETS: dict[str, Budget] = {
    **{name: Budget(150 if policy.is_fair else 60, 50) for name, policy in PRESETS.items()},
    "lanes": Budget(80, 50),
    "exchanges": Budget(40, 50),
    "books": Budget(150, 40),
    "keys": Budget(40, 25),
    "prefix index": Budget(150, 40),
    "prefix index in little room": Budget(100, 40),
}

# Without `explain`, which takes minutes to say little of a machine.
_PLAIN = settings(
    phases=(Phase.generate, Phase.shrink),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def steps_of(name: str) -> settings:
    """What a machine is run with."""
    budget = BUDGETS[name]
    return settings(_PLAIN, max_examples=budget.examples * TIMES, stateful_step_count=budget.steps)


FIND = settings(
    _PLAIN,
    max_examples=2_000,
    stateful_step_count=50,
    phases=(Phase.generate,),
    database=None,
    print_blob=False,
)
"""For controls: until the fault is found, and no further."""
