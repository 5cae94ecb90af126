"""Policies and lanes are exchanged under requests that wait and run, at random."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from properties.exchanging_machine import ExchangingMachine, PrefixExchangingMachine
from support.stateful_steps import TIMES, steps_of


@pytest.mark.timeout(600)
@pytest.mark.parametrize("machine", [ExchangingMachine, PrefixExchangingMachine])
def test_nobody_loses_place_counter_or_slot(machine: type[ExchangingMachine]) -> None:
    run_state_machine_as_test(machine, settings=steps_of("exchanges"))
    print(dict(machine.seen))
    assert machine.seen["exchanged"] >= 50 * TIMES
    if machine is ExchangingMachine:
        assert machine.seen["lanes exchanged"] >= 10 * TIMES
