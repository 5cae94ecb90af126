"""Every preset by one stateful machine: F1 to F5 and F13 of the fairness promises, at every instant,
while tenants, weights, windows, engines and caches change."""

from pathlib import Path

import pytest
from hypothesis.stateful import run_state_machine_as_test

from evenhand.scheduling import PRESETS
from properties.every_preset import machine_of
from support.stateful_steps import (
    BUDGETS,
    EVERY_RUN_MIN,
    NIGHTLY_MIN,
    NIGHTLY_TIMES,
    TIMES,
    steps_of,
)

MAKEFILE = Path(__file__).parents[2] / "Makefile"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_promise_holds_at_every_instant(preset: str) -> None:
    machine = machine_of(preset)
    run_state_machine_as_test(machine, settings=steps_of(preset))
    seen = machine.seen
    print(f"{preset}: {dict(seen)}")
    assert seen["steps"] >= BUDGETS[preset].in_all * TIMES * 6 // 10
    assert seen["into an empty queue"] >= BUDGETS[preset].examples // 10
    if PRESETS[preset].is_fair:
        assert seen["pairs compared"] >= BUDGETS[preset].in_all * TIMES // 10


def test_all_machines_together_take_as_many_steps_as_promised() -> None:
    in_all = sum(budget.in_all for budget in BUDGETS.values())
    assert in_all >= EVERY_RUN_MIN
    assert in_all * NIGHTLY_TIMES >= NIGHTLY_MIN
    assert f"EVENHAND_STEPS={NIGHTLY_TIMES} " in MAKEFILE.read_text()
