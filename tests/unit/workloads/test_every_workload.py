"""What every workload of the catalog promises, at its defaults or smaller."""

import hashlib
import os
import subprocess
import sys
from functools import cache

import pytest

from evenhand.scheduling import PRESETS
from evenhand.sim.fleet import at_gateway
from evenhand.sim.profile import load_profile
from evenhand.sim.run_record import Fate
from evenhand.workloads.ask import Ask
from evenhand.workloads.catalog import WORKLOADS
from evenhand.workloads.workload import DialValue, Workload

SMALLER: dict[str, DialValue] = {
    "programs": 2,
    "seconds": 20.0,
    "requests": 60,
    "documents": 20,
    "output_tokens": 8,
}
"""Dials that make a workload small, where it has them."""


BEGUN_BEFORE = {"mix"}
"""It shows sessions that were under way when it begins, and prompts that keep a part of a content."""
FROM_THE_BEGINNING = sorted(set(WORKLOADS) - BEGUN_BEFORE)


def small(name: str, seed: int = 1) -> Workload:
    recipe = WORKLOADS[name]
    names = {dial.name for dial in recipe.dials}
    return recipe.make(seed, {key: value for key, value in SMALLER.items() if key in names})


@cache
def at_defaults(name: str) -> tuple[Workload, tuple[Ask, ...]]:
    workload = WORKLOADS[name].make(1)
    return workload, tuple(workload.asks)


def digest(name: str, seed: int) -> str:
    workload = small(name, seed)
    text = "\n".join(map(repr, [workload.tenants, workload.size, *workload.asks]))
    return hashlib.blake2b(text.encode()).hexdigest()


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_recipe_says_where_it_comes_from_and_that_it_is_made_up(name: str) -> None:
    recipe = WORKLOADS[name]
    workload, _ = at_defaults(name)
    assert recipe.name == workload.name == name
    assert recipe.summary
    assert recipe.source
    assert recipe.is_synthetic
    assert workload.is_synthetic


@pytest.mark.parametrize("name", WORKLOADS)
def test_asks_come_in_order_after_those_they_wait_for_and_can_be_iterated_again(name: str) -> None:
    workload, asks = at_defaults(name)
    assert len(asks) == workload.size
    assert [ask.at_ms for ask in asks] == sorted(ask.at_ms for ask in asks)
    seen, awaited = set[int](), set[int]()
    for ask in asks:
        assert ask.id not in seen
        assert seen.issuperset(ask.after)
        awaited.update(ask.after)
        seen.add(ask.id)
    assert awaited <= {ask.id for ask in asks if ask.is_awaited}
    assert [repr(ask) for ask in workload.asks] == [repr(ask) for ask in asks]


@pytest.mark.parametrize("name", FROM_THE_BEGINNING)
def test_prompts_add_up_and_a_content_of_an_answer_is_nobody_elses(name: str) -> None:
    _, asks = at_defaults(name)
    answers = [ask.output_content for ask in asks if ask.output_content is not None]
    assert len(set(answers)) == len(answers)
    lengths: dict[int, int] = {}
    for ask in asks:
        if ask.prompt:
            assert sum(segment.tokens for segment in ask.prompt) == ask.input_tokens
        for segment in ask.prompt:
            assert lengths.setdefault(segment.content, segment.tokens) == segment.tokens
    for ask in asks:
        if ask.output_content in lengths:
            assert lengths[ask.output_content] == ask.output_tokens


@pytest.mark.parametrize("name", WORKLOADS)
def test_tenants_and_lanes_are_those_that_ask(name: str) -> None:
    workload, asks = at_defaults(name)
    paths = {(tenant.name,) for tenant in workload.tenants}
    assert len(paths) == len(workload.tenants)
    assert {ask.tenant for ask in asks} <= paths
    if workload.lanes:
        assert {ask.lane for ask in asks} <= {lane.name for lane in workload.lanes}
    if workload.application_units:
        assert {ask.application for ask in asks} <= set(workload.application_units)


@pytest.mark.parametrize("name", FROM_THE_BEGINNING)
def test_calls_of_an_interaction_are_one_tenants_and_counted(name: str) -> None:
    _, asks = at_defaults(name)
    whose: dict[str, tuple[str, ...]] = {}
    called: dict[str, int] = {}
    for ask in asks:
        if ask.interaction:
            assert whose.setdefault(ask.interaction, ask.tenant) == ask.tenant
            assert ask.call_index == called.get(ask.interaction, 0)
            called[ask.interaction] = ask.call_index + 1
            assert ask.call_index < ask.calls_total
        else:
            assert (ask.call_index, ask.calls_total) == (0, 1)


def test_the_same_seed_gives_the_same_asks_in_every_process() -> None:
    script = (
        "import runpy, sys\n"
        f"digest = runpy.run_path({__file__!r})['digest']\n"
        "print('\\n'.join(digest(name, 5) for name in sys.argv[1:]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}
    answer = subprocess.run(
        [sys.executable, "-c", script, *WORKLOADS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == [digest(name, 5) for name in WORKLOADS]


@pytest.mark.parametrize("name", sorted(set(WORKLOADS) - {"vtc/increase"}))  # draws nothing
def test_another_seed_gives_others(name: str) -> None:
    assert digest(name, 1) != digest(name, 2)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_simulation_answers_all_of_it(name: str) -> None:
    workload = small(name)
    record = at_gateway(
        workload, PRESETS["vtc"], load_profile("h100-llama-3.1-8b"), engines=1
    ).run()
    assert len(record) == workload.size
    assert set(record.fate) == {Fate.COMPLETED}
