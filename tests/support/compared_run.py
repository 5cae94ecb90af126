"""Tells a recorded run to a plain implementation and compares answers, and all counters after each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from evenhand.model import Outcome
from evenhand.scheduling import VIRTUAL_PER_UNIT, Refusal, SchedulerSettings, Settlement, Start
from evenhand.scheduling.recorder import Event, Recorder
from support.recorded_run import Arrival, drive
from support.reference_vtc import Pool, ReferenceVtc

Counters = dict[tuple[str, Pool], int]
"""Of each tenant in each pool in which it was ever lifted; in the pool without engines, its service."""


@dataclass
class Told:
    """A run: its calls, and the counters after each."""

    events: list[tuple[Event, Counters]] = field(default_factory=list)
    starts: int = 0
    outcomes: set[Outcome] = field(default_factory=set)


def told(
    make: Callable[[SchedulerSettings, Callable[[Event], None]], Recorder],
    settings: SchedulerSettings,
    *,
    seed: int,
    steps: int,
    arrival: Arrival,
    engines: dict[str, tuple[str, ...]],
    is_inside: bool = False,
) -> Told:
    run = Told()

    def note(event: Event) -> None:
        run.events.append((event, counters_of(recorder)))
        run.starts += isinstance(event.answer, Start)

    recorder = make(settings, note)
    drive(
        recorder,
        seed=seed,
        steps=steps,
        arrival=arrival,
        engines=engines,
        has_neighbours=True,
        is_inside=is_inside,
    )
    return run


def counters_of(recorder: Recorder) -> Counters:
    counters: Counters = {}
    for node in recorder.tree.root.children.values():
        counters[node.path[0], ()] = node.virtual
        for pool, lift in node.lifts.items():
            if not pool.engines:
                continue  # of those who are held back, who do not compete
            counters[node.path[0], pool.engines] = node.virtual + lift
    return counters


def compare(run: Told, reference: ReferenceVtc) -> None:
    for number, (event, counters) in enumerate(run.events):
        answer = answered(reference, event.method, dict(event.arguments))
        assert answer == in_short(event), f"call {number}, {event.method}: {answer}"
        for (tenant, pool), ticks in counters.items():
            own = reference.counter(tenant, pool) if pool else reference.service[tenant]
            is_equal = own * VIRTUAL_PER_UNIT == ticks * reference.scale
            assert is_equal, f"call {number}, {event.method}: {tenant} in {pool}"


def answered(reference: ReferenceVtc, method: str, arguments: dict[str, Any]) -> object:
    if method in ("next", "produced", "prompt_counted", "cancel", "charged_elsewhere"):
        arguments.pop("now_ms")
    if method == "settle":
        arguments.pop("now_ms")
        arguments["completed"] = arguments.pop("outcome") is Outcome.COMPLETED
    return getattr(reference, method)(**arguments)


def in_short(event: Event) -> object:
    """The answer of the core, as a reference tells it."""
    answer: Any = event.answer
    if event.method == "submit":
        assert not answer.shed
        return answer.refused is None
    if isinstance(answer, Start):
        return answer.request.id, answer.engine
    if isinstance(answer, Settlement):
        return answer.units
    if isinstance(answer, tuple):
        assert all(isinstance(refusal, Refusal) for refusal in answer)
        return [refusal.request.id for refusal in answer]
    return answer
