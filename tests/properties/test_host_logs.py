"""A thousand runs of each host, told to plain implementations of the same rules, are decided alike."""

import os
from typing import Any

import pytest

from evenhand.scheduling.order.built_in import ORDERS
from evenhand.scheduling.placement.built_in import PLACEMENTS
from evenhand.sim.run_record import Fate
from support.small_runs import WEIGHTS, at_gateway_run
from support.told_references import REFERENCES

RUNS = int(os.environ.get("EVENHAND_LOGS", "250"))
"""Of each host and policy. Four policies make a thousand."""


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_the_core_behind_the_simulated_gateway_decides_as_the_reference(name: str) -> None:
    make, compare, segment_tokens = REFERENCES[name]
    starts = 0
    for seed in range(RUNS):
        policy = make(seed)
        run = at_gateway_run(policy, seed=seed, segment_tokens=segment_tokens)
        starts += compare(run.events, policy, WEIGHTS)
    assert starts > 5 * RUNS


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_what_happened_in_these_runs(name: str) -> None:
    make, _, segment_tokens = REFERENCES[name]
    methods, expired, again = set[str](), 0, 0
    fates = set[int]()
    for seed in range(40):
        run = at_gateway_run(make(seed), seed=seed, segment_tokens=segment_tokens)
        methods |= {event.method for event in run.events}
        expired += sum(event.method == "expire" and bool(event.answer) for event in run.events)
        again += sum(
            event.method == "try_again_elsewhere" and bool(event.answer) for event in run.events
        )
        fates |= set(run.record.fate)
    assert methods >= {"start_at_once", "submit", "cancel", "next", "produced", "restarted"}
    assert expired
    assert again
    assert fates >= {Fate.COMPLETED, Fate.LEFT, Fate.FAILED, Fate.REFUSED, Fate.NEVER_SENT}


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_control_another_order_is_seen(name: str) -> None:
    make, compare, segment_tokens = REFERENCES[name]
    others: dict[str, Any] = {"order": ORDERS["anyone"], "placement": PLACEMENTS["round-robin"]}
    with pytest.raises((AssertionError, KeyError, ValueError)):
        for seed in range(20):
            other = make(seed).swapped(**others)
            run = at_gateway_run(other, seed=seed, segment_tokens=segment_tokens)
            compare(run.events, make(seed), WEIGHTS)
