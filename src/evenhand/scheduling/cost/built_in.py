"""Costs, by the names that policies use."""

from evenhand.scheduling.cost.expectations import Expectations
from evenhand.scheduling.cost.gpu_time import US_PER_UNIT, GpuTime
from evenhand.scheduling.cost.kv_token_time import STEPS_PER_UNIT, KvTokenTime
from evenhand.scheduling.cost.per_application import (
    EXPECTED_MEMORY_CALLS,
    EXPECTED_PERCENT,
    FACTOR_MAX,
    PerApplication,
)
from evenhand.scheduling.cost.profiled import PROFILE, Profiled, profile_of
from evenhand.scheduling.cost.protocol import Cost
from evenhand.scheduling.cost.weighted import WeightedTokens
from evenhand.scheduling.parts import Ground, Parameters, Part


def _per_application(ground: Ground, values: Parameters) -> PerApplication:
    expectations = Expectations(
        configured=ground.application_units,
        percent=values[EXPECTED_PERCENT.name],
        memory_calls=values[EXPECTED_MEMORY_CALLS.name],
    )
    return PerApplication(
        expectations, application_factor_max=values[FACTOR_MAX.name], weights=ground.weights
    )


_PARTS: tuple[Part[Cost], ...] = (
    Part(
        name="weighted-tokens",
        summary="so many units for each token of input, cached input and output",
        build=lambda ground, _: WeightedTokens(ground.weights),
    ),
    Part(
        name="profiled",
        summary="a quadratic in input and output, fitted to an engine's measured times",
        build=lambda ground, values: Profiled(profile_of(values), ground.weights),
        parameters=PROFILE,
    ),
    Part(
        name="kv-token-time",
        summary="slots of the KV cache times the steps for which they are held",
        build=lambda _, values: KvTokenTime(token_steps_per_unit=values[STEPS_PER_UNIT.name]),
        parameters=(STEPS_PER_UNIT,),
    ),
    Part(
        name="gpu-time",
        summary="its part of its engine's time, shared among all that run there together",
        build=lambda ground, values: GpuTime(
            us_per_unit=values[US_PER_UNIT.name], weights=ground.weights
        ),
        parameters=(US_PER_UNIT,),
    ),
    Part(
        name="per-application",
        summary="weighted tokens over what a call of the application is expected to use",
        build=_per_application,
        reads_application_units=True,
        parameters=(EXPECTED_PERCENT, EXPECTED_MEMORY_CALLS, FACTOR_MAX),
    ),
)

COSTS: dict[str, Part[Cost]] = {part.name: part for part in _PARTS}
