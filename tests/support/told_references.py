"""A recorded log told to the plain implementation of its policy: where that decides otherwise."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evenhand.model import Outcome
from evenhand.scheduling import (
    AddTenant,
    Policy,
    Refusal,
    SchedulerSettings,
    Start,
    TenantShare,
    TokenWeights,
    TreePlan,
    compose,
)
from evenhand.scheduling.recorder import Event
from support.compared_run import answered, in_short
from support.reference_d2lpm import ReferenceD2lpm
from support.reference_dlpm import ReferenceDlpm
from support.reference_vtc import ReferenceVtc
from support.reference_wsc import ReferenceWsc

COST = TokenWeights()
QUANTUM_TOKENS = 60
AGE_S = 2
DEFAULT_TOKENS = SchedulerSettings(tenants=(TenantShare(name="a"),)).output_tokens_default

Weights = Mapping[str, int]

CHANGES_NO_COUNTER = ("plan", "apply", "restarted", "stored", "evicted", "retry_after_ms")
"""Tenants are known beforehand; these policies ask for no caches."""


def weights_told(events: Sequence[Event], beforehand: Weights) -> dict[str, int]:
    """Of all tenants, in the order in which the tree got them."""
    weights = dict(beforehand)
    for event in events:
        if event.method == "apply":
            plan = event.arguments["plan"]
            assert isinstance(plan, TreePlan)
            for change in plan.changes:
                assert isinstance(change, AddTenant)
                assert not change.parent
                weights[change.share.name] = change.share.weight
    return weights


def vtc_policy(seed: int) -> Policy:
    return compose("vtc", prediction="running-mean" if seed % 2 else "none")


def wsc_policy(seed: int) -> Policy:
    return compose("wsc", prediction="running-mean" if seed % 2 else "none")


def dlpm_policy(seed: int) -> Policy:
    del seed
    dials = {"quantum_tokens": QUANTUM_TOKENS, "prefix_age_s": AGE_S}
    return compose("dlpm", prediction="none", settings=dials)


def d2lpm_policy(seed: int) -> Policy:
    del seed
    dials = {"quantum_tokens": QUANTUM_TOKENS, "prefix_age_s": AGE_S}
    dials["engine_quantum_tokens"] = QUANTUM_TOKENS
    return compose("d2lpm", prediction="none", settings=dials)


def compare_by_counter(
    reference: type[ReferenceVtc],
) -> Callable[[Sequence[Event], Policy, Weights], int]:
    def compare(events: Sequence[Event], policy: Policy, weights: Weights) -> int:
        predicts = policy.prediction.name == "running-mean"
        told = reference(weights, predicts=predicts, default_tokens=DEFAULT_TOKENS)
        starts = 0
        for number, event in enumerate(events):
            if event.method in CHANGES_NO_COUNTER:
                continue
            answer = answered(told, event.method, dict(event.arguments))
            assert answer == in_short(event), f"call {number}, {event.method}: {answer}"
            starts += isinstance(event.answer, Start)
        return starts

    return compare


def compare_dlpm(events: Sequence[Event], policy: Policy, weights: Weights) -> int:
    values = policy.values()
    tenants = tuple(TenantShare(name=name, weight=weight) for name, weight in weights.items())
    told = ReferenceDlpm(
        tenants,
        COST,
        quantum_units=values["quantum_tokens"] * COST.input,
        age_ms=values["prefix_age_s"] * 1_000,
        is_ring=False,
    )
    starts = 0
    for number, (method, arguments, answer) in enumerate(events):
        if method == "start_at_once":
            assert answer is None, "its order keeps turns"
            continue
        if method in ("plan", "apply"):
            continue  # tenants are known beforehand
        if method == "expire":
            for refusal in _refusals(answer):
                told.cancel(refusal.request.id, 0)
            continue
        theirs = getattr(told, method)(**arguments)
        if method in ("next", "try_again_elsewhere"):
            ours = (answer.request.id, answer.engine) if isinstance(answer, Start) else answer
            assert theirs == ours, f"call {number}, {method}: {theirs}"
            starts += isinstance(answer, Start)
    return starts


def compare_d2lpm(events: Sequence[Event], policy: Policy, weights: Weights) -> int:
    del policy
    told = ReferenceD2lpm(
        dict(weights),
        input_units=COST.input,
        output_units=COST.output,
        quantum=QUANTUM_TOKENS * COST.input,
    )
    for number, event in enumerate(events):
        if isinstance(event.answer, Start):
            theirs = told.started(event.answer.request.id)
            assert theirs == event.answer.engine, f"call {number}: to {theirs}"
        else:
            _tell_d2lpm(told, event.method, event.arguments, event.answer)
    return sum(isinstance(event.answer, Start) for event in events)


def _tell_d2lpm(told: ReferenceD2lpm, method: str, known: Mapping[str, Any], answer: Any) -> None:
    match method:
        case "engine_changed":
            told.engine_changed(known["name"], known["window"], set(known["models"]))
        case "restarted":
            told.evicted(known["name"], b"")
        case "submit" if answer.refused is None:
            told.submitted(known["request"])
        case "cancel":
            told.left(known["request_id"])
        case "try_again_elsewhere" if answer:
            told.tries_again(known["request_id"], 0)
        case "settle":
            told.settled(known["request_id"], known["usage"].output_tokens)
        case "expire":
            for refusal in _refusals(answer):
                told.left(refusal.request.id)


def _refusals(answer: Any) -> list[Refusal]:
    assert all(refusal.outcome is Outcome.QUEUED_TOO_LONG for refusal in answer)
    return list(answer)


Reference = tuple[Callable[[int], Policy], Callable[[Sequence[Event], Policy, Weights], int], int]
REFERENCES: dict[str, Reference] = {
    "vtc": (vtc_policy, compare_by_counter(ReferenceVtc), 32),
    "wsc": (wsc_policy, compare_by_counter(ReferenceWsc), 32),
    "dlpm": (dlpm_policy, compare_dlpm, 3),
    "d2lpm": (d2lpm_policy, compare_d2lpm, 64),
}
"""By the name of the policy: which composition, what compares, and of how many tokens a segment of a
prompt is, so that the reference is quick and exact."""


def reference(name: str, host: str) -> Reference:
    """With one engine D2LPM is DLPM, and its own reference, of placements, would have nothing to say."""
    make, _, _ = REFERENCES[name]
    if (name, host) == ("d2lpm", "engine"):
        return make, compare_dlpm, REFERENCES["dlpm"][2]
    return REFERENCES[name]
