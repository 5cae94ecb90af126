"""The shadow against plain simulations: it computes what would have been, exactly, and stays bounded."""

import random
from dataclasses import replace

import pytest

from evenhand.model import InteractionId, Request, RequestId
from evenhand.scheduling import PRESETS, SchedulerSettings, compose
from evenhand.scheduling.shadow import Observation, Shadow
from support.simulated_traffic import (
    ONE_ENGINE,
    ROOM,
    SEVERAL,
    TENANTS,
    Engines,
    Planned,
    Ran,
    Traffic,
    plan,
    watch,
)

RUNS = 40


def settings(preset: str) -> SchedulerSettings:
    return SchedulerSettings(tenants=TENANTS, policy=compose(preset), limits=ROOM)


def window_changes(dice: random.Random, engines: Engines) -> list[tuple[int, str, int]]:
    """Windows shrink and grow, never to nothing: a model without an engine is refused at once."""
    names = sorted(engines)
    return [(dice.randrange(400), dice.choice(names), dice.randrange(1, 4)) for _ in range(4)]


def observed(
    planned: list[Planned],
    engines: Engines,
    preset: str,
    seed: int,
    changes: list[tuple[int, str, int]] | None = None,
) -> tuple[Ran, Ran, Shadow]:
    """Real traffic in arrival order, and what the shadow makes of it."""
    dice = random.Random(seed)
    shadow = Shadow(settings(preset), tenants_max=10)
    shadowed = watch(shadow)
    traffic = Traffic(settings("fcfs"), engines, planned, changes=changes, shadow=shadow, dice=dice)
    return traffic.run(), shadowed, shadow


@pytest.mark.parametrize("engines", [ONE_ENGINE, SEVERAL], ids=["one engine", "several"])
def test_in_arrival_order_the_shadow_is_reality(engines: Engines) -> None:
    for seed in range(RUNS):
        dice = random.Random(seed)
        planned = one_model_if(engines, plan(dice, requests=60, span_ms=2_000, impatient=True))
        changed = window_changes(dice, engines)
        real, shadowed, shadow = observed(planned, engines, "fcfs", seed, changes=changed)
        assert shadowed == real
        found = shadow.observation()
        for scope in (found.in_all, found.recent):
            for row in scope:
                assert row.arrival.waits.total_ms == row.fair.waits.total_ms
                assert row.arrival.contended_units == row.fair.contended_units
                assert row.arrival.unserved == row.fair.unserved
        assert found.unknown_service == 0


@pytest.mark.parametrize("engines", [ONE_ENGINE, SEVERAL], ids=["one engine", "several"])
def test_with_a_fair_policy_it_is_what_that_policy_does_with_the_same_service_times(
    engines: Engines,
) -> None:
    differing = 0
    for seed in range(RUNS):
        dice = random.Random(seed)
        planned = one_model_if(engines, plan(dice, requests=60, span_ms=400))
        changed = window_changes(dice, engines)
        real, shadowed, _ = observed(planned, engines, "vtc", seed, changes=changed)
        assert shadowed == Traffic(settings("vtc"), engines, planned, changes=changed).run()
        differing += shadowed.waited_ms != real.waited_ms
    assert differing > RUNS // 2, "the comparison must be able to fail"


def test_every_request_ends_once_in_each_world_whatever_happens() -> None:
    unknown = 0
    for seed in range(RUNS):
        dice = random.Random(seed)
        planned = plan(dice, requests=80, span_ms=1_000, impatient=True, fails=True)
        real, shadowed, shadow = observed(planned, SEVERAL, "vtc", seed)
        found = shadow.observation()
        assert shadowed.waited_ms.keys() == real.waited_ms.keys()
        assert ended(found) == (len(planned), len(planned))
        assert total_ms(found) == (sum(real.waited_ms.values()), sum(shadowed.waited_ms.values()))
        assert sum(row.arrival.unserved for row in found.in_all) == len(planned) - len(real.served)
        unserved = len(planned) - len(shadowed.served)
        assert sum(row.fair.unserved for row in found.in_all) == unserved
        assert shadow._run.scheduler.tree.root.service_units == sum(shadowed.units.values())
        assert found.remembered == found.resets == found.unobserved == 0
        assert not shadow._facts
        assert not shadow._run._unknown
        assert shadow._run.scheduler.open_requests() == 0
        unknown += found.unknown_service
    assert unknown, "some gave up whom the fair order had served"


@pytest.mark.parametrize("remembered_max", [1, 7, 30])
def test_a_flood_is_forgotten_rather_than_remembered_without_end(remembered_max: int) -> None:
    resets = 0
    for seed in range(RUNS):
        dice = random.Random(seed)
        flood = plan(dice, requests=150, span_ms=1_000, impatient=True, fails=True)
        shadow = Shadow(settings("vtc"), tenants_max=1, remembered_max=remembered_max)

        def bounded(shadow: Shadow = shadow) -> None:
            assert len(shadow._remembered) <= remembered_max
            assert len(shadow._facts) <= 6 * remembered_max
            assert len(shadow._run._unknown) + len(shadow._run._ends) <= remembered_max
            assert len(shadow._rows) <= 1
            assert shadow._run.scheduler.open_requests() <= remembered_max

        Traffic(settings("fcfs"), SEVERAL, flood, shadow=shadow, dice=dice, check=bounded).run()
        found = shadow.observation()
        assert found.remembered == 0
        counted = ended(found)
        # What was forgotten may have been counted in one world already.
        assert all(len(flood) - found.unobserved <= count <= len(flood) for count in counted)
        assert len(found.in_all) <= 2
        resets += found.resets
    assert resets > 0


def test_the_texts_that_it_remembers_are_bounded_in_bytes() -> None:
    resets = 0
    for seed in range(RUNS):
        dice = random.Random(seed)
        flood = [prompted(one, dice) for one in plan(dice, requests=150, span_ms=1_000)]
        shadow = Shadow(settings("dlpm"), tenants_max=10, remembered_bytes_max=4_000)

        def bounded(shadow: Shadow = shadow) -> None:
            held = sum(len(record.request.prefix) for record in shadow._remembered.values())
            assert held == shadow._remembered_bytes <= 4_000

        Traffic(settings("fcfs"), SEVERAL, flood, shadow=shadow, dice=dice, check=bounded).run()
        found = shadow.observation()
        assert found.remembered == shadow._remembered_bytes == 0
        resets += found.resets
    assert resets


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_can_be_tried_and_refuses_nobody(preset: str) -> None:
    for seed in range(5):
        dice = random.Random(seed)
        planned = plan(dice, requests=80, span_ms=1_000, impatient=True, fails=True)
        planned = [prompted(one, dice) for one in planned]
        real, shadowed, shadow = observed(planned, SEVERAL, preset, seed)
        assert ended(shadow.observation()) == (len(planned), len(planned))
        assert shadowed.waited_ms.keys() == real.waited_ms.keys()


def test_after_a_reset_it_begins_anew_when_nothing_waits_and_is_exact_again() -> None:
    for seed in range(RUNS):
        dice = random.Random(seed)
        flood = plan(dice, requests=100, span_ms=50)
        quiet = 10**6
        later = [
            Planned(
                request=renamed(one.request, f"later {one.request.id}"),
                at_ms=one.at_ms + quiet,
                service_ms=one.service_ms,
                usage=one.usage,
            )
            for one in plan(dice, requests=20, span_ms=500)
        ]
        shadow = Shadow(settings("fcfs"), tenants_max=10, remembered_max=25)
        shadowed = watch(shadow)
        traffic = Traffic(settings("fcfs"), SEVERAL, [*flood, *later], shadow=shadow, dice=dice)
        real = traffic.run()
        found = shadow.observation()
        assert found.resets == 1
        assert not found.is_paused
        again = {one.request.id for one in later}
        assert {id_: ms for id_, ms in shadowed.waited_ms.items() if id_ in again} == {
            id_: ms for id_, ms in real.waited_ms.items() if id_ in again
        }


def one_model_if(engines: Engines, planned: list[Planned]) -> list[Planned]:
    served = {model for _, models in engines.values() for model in models}
    return [one for one in planned if one.request.model in served]


def ended(found: Observation) -> tuple[int, int]:
    return (
        sum(row.arrival.waits.count for row in found.in_all),
        sum(row.fair.waits.count for row in found.in_all),
    )


def total_ms(found: Observation) -> tuple[int, int]:
    return (
        sum(row.arrival.waits.total_ms for row in found.in_all),
        sum(row.fair.waits.total_ms for row in found.in_all),
    )


def prompted(one: Planned, dice: random.Random) -> Planned:
    """With a text that others begin with too, in an interaction of a few calls."""
    prefix = dice.choice([b"be kind ", b"be brief "]) * dice.randrange(1, 20)
    interaction = InteractionId(f"{one.request.tenant[0]}{dice.randrange(40)}")
    return replace(one, request=replace(one.request, prefix=prefix, interaction=interaction))


def renamed(request: Request, name: str) -> Request:
    return replace(request, id=RequestId(name))
