"""One tenant among honest ones, behaving or attacking, before the same engines with the same seeds.

`honest` never has enough: all that an attack gains, it loses. `modest` asks for little: its waits tell whether
an attack hurts those who are far below their share.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from evenhand.model import TenantPath
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare
from support.policies import COST, flat, settings_of
from support.simulated_engines import SECOND, Client, Figures, Job, SimulatedEngines

SEEDS = range(5)
ENGINES = {"e1": 4, "e2": 4}
WARM_UP_US, UNTIL_US = SECOND // 5, SECOND
SERVICE_US = 100 * (COST.input + COST.output)
"""The longest that an honest request takes."""


def ordinary(dice: random.Random) -> Iterator[Job]:
    """What everybody asks for, an attacker that behaves among them."""
    while True:
        yield Job(prompt=dice.randrange(1, 101), output=dice.randrange(1, 101))


@dataclass(kw_only=True)
class Attacked:
    """What a run of all has shown. `attacker_units` were done for the attacker after the warm-up."""

    attacker_units: int
    honest_units: int
    modest_waits_us: list[int]
    figures: Figures
    core: Scheduler


def attacked(
    clients: Callable[[random.Random], Sequence[Client]],
    *,
    seed: int,
    attacker: TenantShare | None = None,
    core: Callable[[SchedulerSettings], Scheduler] = Scheduler,
    preset: str = "vtc",
) -> Attacked:
    """A run in which the attacker has these clients, under the tenant `attacker`."""
    tree = (attacker or TenantShare(name="attacker"), *flat(honest=1, modest=1))
    honest = Client(tenant=("honest",), jobs=ordinary(random.Random(seed)), in_flight=40)
    dice = random.Random(seed + 1_000)
    gaps_us = iter(lambda: 1 + int(dice.expovariate(1 / 3_000)), None)
    modest = Client(tenant=("modest",), jobs=ordinary(dice), gaps_us=gaps_us)
    scheduler = core(settings_of(tree, preset=preset))
    all_clients = [honest, modest, *clients(random.Random(seed + 2_000))]
    run = SimulatedEngines(scheduler, all_clients, ENGINES)
    served, _ = run.served_between(WARM_UP_US, UNTIL_US)
    return Attacked(
        attacker_units=sum(units for tenant, units in served.items() if is_attacker(tenant)),
        honest_units=served["honest",],
        modest_waits_us=run.figures.waits_us["modest",],
        figures=run.figures,
        core=scheduler,
    )


def is_attacker(tenant: TenantPath) -> bool:
    return tenant[0] == "attacker"


def behaving(in_flight: int = 40) -> Callable[[random.Random], list[Client]]:
    """The attacker as an honest tenant that never has enough."""
    return lambda dice: [Client(tenant=("attacker",), jobs=ordinary(dice), in_flight=in_flight)]
