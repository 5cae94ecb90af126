"""F2, F4 and F9: no idling banks credit, no burst breaks the bound, nobody is passed over for long.

The lag is measured in what engines have done, over every interval in which two tenants wait throughout,
and held to the policy's own bound; the practical figure, twice the largest request, in 99 % of moments.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from evenhand.scheduling import RemoveTenant, Scheduler, SchedulerSettings, TreePlan
from support.policies import COST, flat, lag_bound_units, settings_of
from support.share_checks import (
    LagMeter,
    check_lag,
    check_lag_is_usually_small,
    check_nobody_is_passed_over,
)
from support.simulated_engines import FOREVER, SECOND, Client, Job, SimulatedEngines, same

WINDOW = 4
TOKENS_MAX = 100
REQUEST_UNITS_MAX = TOKENS_MAX * (COST.input + COST.output)
TWO = {"steady": 1, "bursts": 1}


@dataclass
class Scene:
    """A run of some tenants with the lag measured, before one engine."""

    weights: dict[str, int]
    clients: list[Client]
    settings: SchedulerSettings = field(init=False)
    meter: LagMeter = field(init=False)
    core: type[Scheduler] = Scheduler
    preset: str = "vtc"
    prediction: str = "running-mean"
    chunk_tokens: int = 50

    def __post_init__(self) -> None:
        self.settings = settings_of(
            flat(**self.weights),
            preset=self.preset,
            parts={"prediction": self.prediction},
            output_tokens_default=TOKENS_MAX,
        )
        self.meter = LagMeter(self.weights, usual_units=2 * REQUEST_UNITS_MAX)
        self.run = SimulatedEngines(
            self.core(self.settings),
            self.clients,
            {"e": WINDOW},
            watch=self.meter,
            chunk_tokens=self.chunk_tokens,
        )

    @property
    def bound_units(self) -> int:
        return lag_bound_units(
            self.settings,
            window=WINDOW,
            request_units_max=REQUEST_UNITS_MAX,
            weight_min=min(self.weights.values()),
        )

    @property
    def passed_over_units_max(self) -> int:
        """What all others can be ahead by, each by its weight."""
        return (sum(self.weights.values()) - min(self.weights.values())) * self.bound_units

    def check(self) -> None:
        """All that this file promises."""
        check_lag(self.meter, self.bound_units)
        check_lag_is_usually_small(self.meter)
        check_nobody_is_passed_over(self.run.figures, self.passed_over_units_max)


def idle_then_burst(idle_us: int, **others: str) -> Scene:
    """One is served alone for a time; then the other comes with all it has."""
    steady = Client(tenant=("steady",), jobs=same(100, 100), in_flight=3 * WINDOW)
    spans = ((idle_us, 2 * idle_us + SECOND // 2),)
    bursts = Client(tenant=("bursts",), jobs=same(100, 100), in_flight=300, on_us=spans)
    return Scene(TWO, [steady, bursts], **others)  # type: ignore[arg-type]


@pytest.mark.parametrize("idle_us", [SECOND // 1000, SECOND // 10, SECOND, 4 * SECOND])
def test_a_burst_after_any_idle_time_gains_nothing(idle_us: int) -> None:
    scene = idle_then_burst(idle_us)
    scene.run.run(idle_us + SECOND // 2)
    scene.check()


def burst_into_an_empty_queue(**others: type[Scheduler]) -> Scene:
    """One is served alone and never waits; both then come with all they have, the burst first."""
    at_us = 2 * SECOND
    alone = Client(tenant=("steady",), jobs=same(100, 100), in_flight=WINDOW, on_us=((0, at_us),))
    bursts = Client(tenant=("bursts",), jobs=same(100, 100), in_flight=300)
    bursts.on_us = ((at_us, 3 * SECOND),)
    floods = Client(tenant=("steady",), jobs=same(100, 100), in_flight=300)
    floods.on_us = ((at_us + 1, 3 * SECOND),)
    return Scene(TWO, [alone, bursts, floods], **others)  # type: ignore[arg-type]


def test_a_burst_into_an_empty_queue_gains_nothing() -> None:
    scene = burst_into_an_empty_queue()
    scene.run.run(3 * SECOND)
    scene.check()


def on_and_off(**others: str) -> Scene:
    """APF's windup: it comes for two fifths of the time, and asks for far more than its share then."""
    spans = tuple((n * SECOND // 2, n * SECOND // 2 + SECOND // 5) for n in range(8))
    steady = Client(tenant=("steady",), jobs=same(100, 100), in_flight=3 * WINDOW)
    bursts = Client(tenant=("bursts",), jobs=same(100, 100), in_flight=100, on_us=spans)
    return Scene(TWO, [steady, bursts], **others)  # type: ignore[arg-type]


def test_coming_and_going_gains_nothing() -> None:
    scene = on_and_off()
    scene.run.run(4 * SECOND)
    scene.check()


NIGHT_US = 3 * 3600 * SECOND
"""Long enough for whoever idles to be forgotten."""


def test_a_night_in_which_nobody_comes_changes_nothing() -> None:
    """One leaves in debt: served alone before the night. In the morning both come at once, time and
    again."""
    mornings = tuple((n * NIGHT_US, n * NIGHT_US + SECOND // 5) for n in range(1, 4))
    steady = Client(tenant=("steady",), jobs=same(100, 100), in_flight=3 * WINDOW)
    steady.on_us = ((0, SECOND // 5), *mornings)
    bursts = Client(tenant=("bursts",), jobs=same(100, 100), in_flight=100, on_us=mornings)
    scene = Scene(TWO, [steady, bursts])
    scene.run.run(4 * NIGHT_US)
    scene.check()


def test_the_removal_of_whoever_left_last_changes_nothing() -> None:
    """One is served alone, then another; that one is removed. A newcomer then starts level with the
    first."""
    at_us = (0, SECOND, 2 * SECOND)
    first = Client(tenant=("first",), jobs=same(100, 100), in_flight=3 * WINDOW)
    first.on_us = ((0, SECOND // 2), (at_us[2] + 1, FOREVER))
    second = Client(tenant=("second",), jobs=same(100, 100), in_flight=WINDOW)
    second.on_us = ((at_us[1], at_us[1] + SECOND // 2),)
    newcomer = Client(tenant=("new",), jobs=same(100, 100), in_flight=300)
    newcomer.on_us = ((at_us[2], FOREVER),)
    scene = Scene({"first": 1, "second": 1, "new": 1}, [first, second, newcomer])
    scene.run.run(2 * SECOND)
    plan = scene.run.scheduler.plan([RemoveTenant(("second",))])
    assert isinstance(plan, TreePlan)
    scene.run.scheduler.apply(plan)
    scene.run.run(3 * SECOND)
    scene.check()


def long_beside_short(**others: object) -> Scene:
    """One asks for answers forty times as long as the other's."""
    long = Client(tenant=("long",), jobs=same(20, 100), in_flight=3 * WINDOW)
    short = Client(tenant=("short",), jobs=same(1, 2), in_flight=3 * WINDOW)
    return Scene({"long": 1, "short": 1}, [long, short], **others)  # type: ignore[arg-type]


def test_long_answers_cost_what_they_are_while_they_run() -> None:
    scene = long_beside_short()
    scene.run.run(SECOND // 2)
    scene.check()


def sizes(dice: random.Random) -> Iterator[Job]:
    while True:
        prompt = dice.choice([1, TOKENS_MAX])
        output = dice.choice([0, 1, 10, TOKENS_MAX])
        yield Job(prompt, output, cached=dice.choice([0, 0, prompt]))


def odd_hours(dice: random.Random, until_us: int) -> Iterator[tuple[int, int]]:
    at_us = 0
    while at_us < until_us:
        at_us += dice.randrange(until_us // 4)
        end_us = at_us + dice.randrange(1, until_us // 3)
        yield at_us, end_us
        at_us = end_us


def anything(seed: int, **others: str) -> Scene:
    """Tenants of many sizes and weights that come and go, ask for too much, and lose patience."""
    dice = random.Random(seed)
    weights = {name: dice.choice([1, 1, 2, 5]) for name in "abcd"[: dice.choice([2, 3, 4])]}
    clients = [
        Client(
            tenant=(name,),
            jobs=sizes(dice),
            in_flight=dice.choice([1, 5, 20, 60]),
            on_us=tuple(odd_hours(dice, ANYTHING_US)),
            patience_us=dice.choice([None, None, 5_000]),
            retry_us=dice.choice([100, 5_000]),
        )
        for name in weights
    ]
    prediction = dice.choice(["running-mean", "running-mean", "none"])
    return Scene(weights, clients, **{"prediction": prediction, **others})  # type: ignore[arg-type]


ANYTHING_US = SECOND // 16
SEEDS = 200


def test_two_hundred_seeds_of_anything_keep_every_bound() -> None:
    moments = unusual = 0
    for seed in range(SEEDS):
        scene = anything(seed)
        scene.run.run(ANYTHING_US)
        if scene.meter.moments:
            check_lag(scene.meter, scene.bound_units)
        check_nobody_is_passed_over(scene.run.figures, scene.passed_over_units_max)
        if scene.prediction == "running-mean":
            moments += scene.meter.moments
            unusual += scene.meter.unusual
    assert moments > 10_000
    # Lengths between nothing and 100 at random are the worst for a mean; 1.4 % measured.
    assert unusual * 50 <= moments


def test_the_bound_is_not_vacuous() -> None:
    """Half of it is reached: what is in flight when the other comes is done beside it."""
    scene = idle_then_burst(SECOND // 10)
    scene.run.run(SECOND // 2)
    assert 2 * scene.meter.done_units_max >= scene.bound_units
