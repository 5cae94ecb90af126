"""The machine of one preset; and what it finds."""

from collections import Counter

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from evenhand.scheduling import PRESETS
from properties.changing_machine import ChangingMachine
from properties.machine_ground import CLAIMED
from properties.scheduler_machine import SchedulerMachine
from support.stateful_steps import FIND

FAIR = [name for name, policy in PRESETS.items() if policy.is_fair]


def machine_of(preset_name: str) -> type[ChangingMachine]:
    class Machine(ChangingMachine):
        preset = preset_name
        seen = Counter()

    return Machine


def bound_machine_of(preset_name: str) -> type[SchedulerMachine]:
    """It does not say what must go next: whatever goes, the bound and the books must hold."""

    class Machine(SchedulerMachine):
        preset = preset_name
        seen = Counter()
        grounds = CLAIMED
        expects_anything = True

    return Machine


def found(machine: type[SchedulerMachine], examples_max: int = FIND.max_examples) -> str:
    """What the machine complains of; nothing if it sees nothing."""
    try:
        run_state_machine_as_test(machine, settings=settings(FIND, max_examples=examples_max))
    except AssertionError as complaint:
        return str(complaint) or "an assertion of the core"
    return ""
