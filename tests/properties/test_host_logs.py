"""A thousand runs of each host, told to plain implementations of the same rules, are decided alike."""

import os
from typing import Any

import pytest

from evenhand.scheduling.order.built_in import ORDERS
from evenhand.scheduling.placement.built_in import PLACEMENTS
from evenhand.sim.run_record import Fate
from support.small_runs import HOSTS, WEIGHTS
from support.told_references import REFERENCES, reference

RUNS = int(os.environ.get("EVENHAND_LOGS", "250"))
"""Of each host and policy. Four policies make a thousand."""


every_host = pytest.mark.parametrize("host", sorted(HOSTS))
every_reference = pytest.mark.parametrize("name", sorted(REFERENCES))


@pytest.mark.timeout(600)
@every_host
@every_reference
def test_the_core_of_each_host_decides_as_the_reference(host: str, name: str) -> None:
    make, compare, segment_tokens = reference(name, host)
    starts = 0
    for seed in range(RUNS):
        policy = make(seed)
        run = HOSTS[host](policy, seed=seed, segment_tokens=segment_tokens)
        starts += compare(run.events, policy, WEIGHTS)
    assert starts > 5 * RUNS


@every_host
@every_reference
def test_what_happened_in_these_runs(host: str, name: str) -> None:
    make, _, segment_tokens = reference(name, host)
    methods, expired, again = set[str](), 0, 0
    fates = set[int]()
    for seed in range(40):
        run = HOSTS[host](make(seed), seed=seed, segment_tokens=segment_tokens)
        methods |= {event.method for event in run.events}
        expired += sum(event.method == "expire" and bool(event.answer) for event in run.events)
        again += sum(
            event.method == "try_again_elsewhere" and bool(event.answer) for event in run.events
        )
        fates |= set(run.record.fate)
    assert methods >= {"submit", "cancel", "next", "produced", "settle", "restarted"}
    assert ("start_at_once" in methods) == (host == "gateway")
    assert expired
    assert bool(again) == (host == "gateway"), "there is no other engine"
    assert fates >= {Fate.COMPLETED, Fate.LEFT, Fate.FAILED, Fate.REFUSED, Fate.NEVER_SENT}


@every_host
@every_reference
def test_control_another_order_is_seen(host: str, name: str) -> None:
    make, compare, segment_tokens = reference(name, host)
    others: dict[str, Any] = {"order": ORDERS["anyone"], "placement": PLACEMENTS["round-robin"]}
    with pytest.raises((AssertionError, KeyError, ValueError)):
        for seed in range(20):
            other = make(seed).swapped(**others)
            run = HOSTS[host](other, seed=seed, segment_tokens=segment_tokens)
            compare(run.events, make(seed), WEIGHTS)
