"""A5: prompts padded with a beginning that all of them share, to be whoever shares most with the cache.

Everybody's requests have a beginning in common with the tenant's own. The attacker's is ten times as
long, and it costs it little: what an engine holds is computed no more. Under `lpm` whoever is in the
cache is served alone. Under `dlpm` a tenant goes first only while its quantum lasts. Promised: an
advantage of 1.05, and a lag within the policy's bound.
"""

import random
from collections.abc import Iterator
from fractions import Fraction

import pytest

from hostile.attacked import ENGINES, ONE_SEED, TOKENS_MAX, Habits, Shown, attacked
from support.policies import COST, lag_bound_units, settings_of
from support.share_checks import LagMeter, check_advantage, check_lag
from support.simulated_engines import Client, Job

OWN_TOKENS, SHARED_TOKENS, PADDED_TOKENS = 60, 40, 400
CACHE_BYTES = 1 << 14
QUANTA = {"settings": {"quantum_tokens": 500}}
REQUEST_UNITS_MAX = (PADDED_TOKENS + OWN_TOKENS) * COST.input + TOKENS_MAX * COST.output
LITTLE_GAIN = Fraction(105, 100)


def with_beginning(dice: random.Random, name: str, shared_tokens: int) -> Iterator[Job]:
    """Prompts of a byte a token: the beginning, then what is its own."""
    beginning = (name.encode() * shared_tokens)[:shared_tokens]
    while True:
        prefix = beginning + dice.randbytes(OWN_TOKENS)
        yield Job(len(prefix), dice.randrange(1, TOKENS_MAX + 1), prefix=prefix)


def honest(seed: int) -> list[Client]:
    return [
        Client(
            tenant=(name,),
            jobs=with_beginning(random.Random(f"{seed} {name}"), name, SHARED_TOKENS),
            in_flight=40,
        )
        for name in ("honest", "modest")
    ]


def padding(shared_tokens: int) -> Habits:
    def habits(dice: random.Random) -> list[Client]:
        jobs = with_beginning(dice, "attacker", shared_tokens)
        return [Client(tenant=("attacker",), jobs=jobs, in_flight=40)]

    return habits


def run_of(shared_tokens: int, preset: str, meter: LagMeter) -> Shown:
    return attacked(
        padding(shared_tokens),
        preset=preset,
        parts=QUANTA if preset == "dlpm" else None,
        honest=honest,
        cache_bytes=CACHE_BYTES,
        watch=meter,
        seeds=ONE_SEED,
    )


def new_meter() -> LagMeter:
    return LagMeter({"honest": 1, "modest": 1, "attacker": 1}, usual_units=0)


def bound_units() -> int:
    return lag_bound_units(
        settings_of((), preset="dlpm", parts=QUANTA),
        window=sum(ENGINES.values()),
        request_units_max=REQUEST_UNITS_MAX,
    )


def test_padding_gains_nothing_and_nobody_falls_behind() -> None:
    meter = new_meter()
    before = run_of(SHARED_TOKENS, "dlpm", new_meter())
    attack = run_of(PADDED_TOKENS, "dlpm", meter)
    check_advantage(attack.attacker_units, before.attacker_units, LITTLE_GAIN)
    check_lag(meter, bound_units())


def test_control_where_only_the_match_decides_others_fall_behind() -> None:
    """Whoever is in the cache first, stays alone in it."""
    meter = new_meter()
    run_of(PADDED_TOKENS, "lpm", meter)
    with pytest.raises(AssertionError):
        check_lag(meter, bound_units())
