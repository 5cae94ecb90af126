"""F14: long recorded runs, told to plain implementations of the same rules, are answered alike."""

import random
from dataclasses import replace
from unittest.mock import patch

import pytest

from evenhand.model import ApplicationName, ModelName, Request, RequestId, TenantPath
from evenhand.scheduling import SchedulerSettings, TenantShare, compose, share_tree
from evenhand.scheduling.counter_heap import CounterHeap
from evenhand.scheduling.node import Node
from evenhand.scheduling.recorder import Recorder
from evenhand.scheduling.share_tree import ShareTree
from support.compared_run import Told, compare, told
from support.recorded_run import any_request
from support.reference_vtc import ReferenceVtc
from support.reference_wsc import ReferenceWsc

WEIGHTS = {"a": 1, "b": 3, "c": 2, "d": 1, "e": 5}
ENGINES = {"e1": ("m1",), "e2": ("m1", "m2"), "e3": ("m2",)}
DEFAULT_TOKENS = 40
REFERENCES = {"vtc": ReferenceVtc, "wsc": ReferenceWsc}
SIZES = {"chat": 1, "search": 8, "batch": 40}
"""By how much the applications' calls differ."""


def arrival(dice: random.Random, request_id: RequestId, tenant: TenantPath) -> Request:
    """Its prompt is known, its application tells of its size, its model is one of two."""
    request = any_request(dice, request_id, tenant)
    request = replace(
        request,
        model=ModelName(dice.choice(["m1", "m2"])),
        prompt_tokens=dice.randrange(20) * SIZES[request.application],
    )
    if dice.random() < 0.001:
        return replace(request, application=ApplicationName(f"rare{dice.randrange(20)}"))
    return request


def a_run(preset: str, prediction: str, *, seed: int, steps: int, is_inside: bool = False) -> Told:
    tenants = tuple(TenantShare(name=name, weight=weight) for name, weight in WEIGHTS.items())
    settings = SchedulerSettings(
        tenants=tenants,
        policy=compose(preset, prediction=prediction),
        output_tokens_default=DEFAULT_TOKENS,
    )
    return told(
        Recorder,
        settings,
        seed=seed,
        steps=steps,
        arrival=arrival,
        engines=ENGINES,
        is_inside=is_inside,
    )


def check(preset: str, prediction: str, *, seed: int, steps: int, is_inside: bool = False) -> Told:
    run = a_run(preset, prediction, seed=seed, steps=steps, is_inside=is_inside)
    predicts = prediction == "running-mean"
    compare(run, REFERENCES[preset](WEIGHTS, predicts=predicts, default_tokens=DEFAULT_TOKENS))
    return run


@pytest.mark.parametrize("preset", sorted(REFERENCES))
def test_a_hundred_thousand_calls_are_answered_alike(preset: str) -> None:
    runs = [
        check(preset, prediction, seed=seed, steps=5_000)
        for seed in range(5)
        for prediction in ("none", "running-mean")
    ]
    assert sum(len(run.events) for run in runs) >= 100_000
    assert sum(run.starts for run in runs) >= 4_000
    methods = {event.method for run in runs for event, _ in run.events}
    assert methods >= {"cancel", "expire", "try_again_elsewhere", "start_at_once", "produced"}
    assert "charged_elsewhere" in methods


@pytest.mark.parametrize("preset", sorted(REFERENCES))
def test_what_engines_tell_is_answered_alike(preset: str) -> None:
    runs = [
        check(preset, prediction, seed=seed, steps=3_000, is_inside=True)
        for seed in range(2)
        for prediction in ("none", "running-mean")
    ]
    methods = {event.method for run in runs for event, _ in run.events}
    assert methods >= {"prompt_counted", "preempted", "hold_back", "let_go"}


caught = pytest.raises((AssertionError, KeyError, ValueError))
"""A pick that differs, or a counter; or a call that the reference has no place for any more."""


def test_control_a_stale_key_in_the_heap_is_seen() -> None:
    with patch.object(CounterHeap, "shrunk", lambda *_: None), caught:
        check("vtc", "running-mean", seed=1, steps=2_000)


def test_control_a_missing_lift_is_seen() -> None:
    with patch.object(share_tree, "_lift", lambda *_: None), caught:
        check("vtc", "running-mean", seed=1, steps=2_000)


def test_control_a_lift_that_nobody_gives_to_an_empty_queue_is_seen() -> None:
    with patch.object(share_tree, "_present_at", lambda *_: 0), caught:
        check("vtc", "running-mean", seed=1, steps=2_000)


def test_control_a_double_charge_is_seen() -> None:
    occupy = ShareTree.occupy

    def twice(tree: ShareTree, leaf: Node, requests: int, units: int) -> None:
        occupy(tree, leaf, requests, 2 * max(units, 0) + min(units, 0))

    with patch.object(ShareTree, "occupy", twice), caught:
        check("vtc", "none", seed=1, steps=500)


def test_control_one_cost_is_not_the_other() -> None:
    run = a_run("wsc", "none", seed=1, steps=2_000)
    with caught:
        compare(run, ReferenceVtc(WEIGHTS, predicts=False, default_tokens=DEFAULT_TOKENS))
