"""One tenant among honest ones, behaving or attacking, before the same engines with the same seeds.

`honest` never has enough: all that an attack gains, it loses. `modest` asks often for little: its waits
tell whether an attack hurts those who are far below their share. The sums over all seeds are compared.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from evenhand.scheduling import QueueLimits, Scheduler, SchedulerSettings, TenantShare
from support.policies import ROOM, flat, settings_of
from support.share_checks import check_advantage, check_waits
from support.simulated_engines import SECOND, Client, Job, SimulatedEngines, same

SEEDS, ONE_SEED = range(3), range(1)
ENGINES = {"e1": 4, "e2": 4}
WARM_UP_US, UNTIL_US = SECOND // 10, SECOND * 7 // 10
TOKENS_MAX = 100
"""Of an ordinary request, in and out each."""

ONE = TenantShare(name="attacker")
NO_GAIN, LITTLE_SLOWER = Fraction(102, 100), Fraction(105, 100)

Habits = Callable[[random.Random], Sequence[Client]]
"""The attacker's clients, all of whose chance is of these dice."""


def ordinary(dice: random.Random) -> Iterator[Job]:
    """What everybody asks for, an attacker that behaves among them."""
    while True:
        yield Job(dice.randrange(1, TOKENS_MAX + 1), dice.randrange(1, TOKENS_MAX + 1))


@dataclass(kw_only=True)
class Shown:
    """What the runs have shown. `attacker_units` were done for the attacker after the warm-up."""

    attacker_units: int = 0
    honest_units: int = 0
    modest_waits_us: list[int] = field(default_factory=list)
    runs: list[SimulatedEngines] = field(default_factory=list)


def attacked(
    habits: Habits,
    *,
    attacker: TenantShare = ONE,
    core: Callable[[SchedulerSettings], Scheduler] = Scheduler,
    preset: str = "vtc",
    limits: QueueLimits = ROOM,
    parts: Mapping[str, Any] | None = None,
    honest: Callable[[int], list[Client]] | None = None,
    cache_bytes: int | None = None,
    watch: Callable[[SimulatedEngines], None] = lambda _: None,
    seeds: range = SEEDS,
    until_us: int = UNTIL_US,
) -> Shown:
    """Runs in which the attacker has these habits."""
    shown = Shown()
    for seed in seeds:
        tenants = (attacker, *flat(honest=1, modest=1))
        settings = settings_of(
            tenants,
            preset=preset,
            parts=parts,
            limits=limits,
            output_tokens_default=TOKENS_MAX,
        )
        clients = [*(honest or honest_clients)(seed), *habits(random.Random(seed + 2_000))]
        run = SimulatedEngines(
            core(settings), clients, ENGINES, watch=watch, cache_bytes=cache_bytes
        )
        early = len(run.run(WARM_UP_US).waits_us["modest",])
        served, _ = run.served_between(WARM_UP_US, until_us)
        shown.attacker_units += sum(units for t, units in served.items() if t[0] == "attacker")
        shown.honest_units += served["honest",]
        shown.modest_waits_us += run.figures.waits_us["modest",][early:]
        shown.runs.append(run)
    return shown


def honest_clients(seed: int) -> list[Client]:
    dice, gaps = random.Random(seed), random.Random(seed + 1_000)
    gaps_us = iter(lambda: 1 + int(gaps.expovariate(1 / 500)), None)
    return [
        Client(tenant=("honest",), jobs=ordinary(dice), in_flight=40),
        Client(tenant=("modest",), jobs=same(10, 5), gaps_us=gaps_us),
    ]


def behaving(dice: random.Random) -> list[Client]:
    """The attacker as an honest tenant that never has enough."""
    return [Client(tenant=("attacker",), jobs=ordinary(dice), in_flight=40)]


def stepping_out(dice: random.Random) -> list[Client]:
    """Takes its waiting requests back every few microseconds and sends them again, to start afresh."""
    jobs = ordinary(dice)
    return [
        Client(tenant=("attacker",), jobs=jobs, in_flight=6, patience_us=50, retry_us=5),
    ]


def check_attack(
    attack: Shown, before: Shown, gain: Fraction = NO_GAIN, slower: Fraction = LITTLE_SLOWER
) -> None:
    """It gains nothing, and nobody waits longer for it."""
    check_advantage(attack.attacker_units, before.attacker_units, gain)
    check_waits(attack.modest_waits_us, before.modest_waits_us, slower)
