"""Placements, by the names that policies use."""

from evenhand.scheduling.parts import Ground, Parameter, Parameters, Part
from evenhand.scheduling.placement.cache_aware import CacheAware
from evenhand.scheduling.placement.consistent_hash import ConsistentHash
from evenhand.scheduling.placement.d2lpm import D2lpm
from evenhand.scheduling.placement.least_filled import LeastFilled
from evenhand.scheduling.placement.least_outstanding import LeastOutstanding
from evenhand.scheduling.placement.preble import Preble
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.placement.round_robin import RoundRobin
from evenhand.scheduling.prefixes import Prefixes

_KEY_BYTES = Parameter(
    name="key_bytes",
    meaning="how much of the beginning of a prompt is its key, where it has no interaction",
    default=256,
    minimum=1,
    maximum=1 << 20,
)
_LOAD_PERCENT_MAX = Parameter(
    name="load_percent_max",
    meaning="the most requests at one engine, in percent of what its window would get evenly",
    default=125,
    minimum=100,
    maximum=10_000,
)
_MATCH_PERCENT_MIN = Parameter(
    name="match_percent_min",
    meaning="the least part of a prompt that an engine must hold to get it for that, in percent",
    default=50,
    minimum=0,
    maximum=100,
)
_IMBALANCE_REQUESTS = Parameter(
    name="imbalance_requests",
    meaning="by how many requests the most loaded engine may exceed the least loaded one",
    default=32,
    minimum=0,
    maximum=1_000_000,
)
_IMBALANCE_PERCENT = Parameter(
    name="imbalance_percent",
    meaning="what the most loaded engine may have in any case, in percent of the least loaded one",
    default=150,
    minimum=100,
    maximum=10_000,
)
_WINDOW_REQUESTS = Parameter(
    name="window_requests",
    meaning="of how many of the latest requests the costs of the engines are summed up",
    default=1_024,
    minimum=1,
    maximum=1_000_000,
)
_REBALANCE_PERCENT = Parameter(
    name="rebalance_percent",
    meaning="from what cost on the dearest engine gives work away, in percent of the cheapest one",
    default=150,
    minimum=100,
    maximum=10_000,
)
_REBALANCE_TOKENS_MIN = Parameter(
    name="rebalance_tokens_min",
    meaning="by how many uncached input tokens it must be dearer at least",
    default=16_384,
    minimum=0,
    maximum=1 << 40,
)
_ENGINE_QUANTUM_TOKENS = Parameter(
    name="engine_quantum_tokens",
    meaning="work for which a tenant of weight 1 may stay at an engine before it must spread, in "
    "uncached input tokens",
    default=100_000,
    minimum=1,
    maximum=1 << 40,
)


def _known(ground: Ground) -> Prefixes:
    assert ground.prefixes is not None, "the part says that it asks for them"
    return ground.prefixes


def _consistent_hash(ground: Ground, values: Parameters) -> Placement:
    del ground
    return ConsistentHash(
        key_bytes=values["key_bytes"], load_percent_max=values["load_percent_max"]
    )


def _cache_aware(ground: Ground, values: Parameters) -> Placement:
    return CacheAware(
        _known(ground),
        match_percent_min=values["match_percent_min"],
        imbalance_requests=values["imbalance_requests"],
        imbalance_percent=values["imbalance_percent"],
    )


def _preble(ground: Ground, values: Parameters) -> Placement:
    return Preble(
        _known(ground),
        ground.weights,
        window_requests=values["window_requests"],
        rebalance_percent=values["rebalance_percent"],
        rebalance_tokens_min=values["rebalance_tokens_min"],
    )


def _d2lpm(ground: Ground, values: Parameters) -> Placement:
    return D2lpm(
        _known(ground), ground.weights, engine_quantum_tokens=values["engine_quantum_tokens"]
    )


_PARTS: tuple[Part[Placement], ...] = (
    Part(
        name="least-filled",
        summary="the engine with the smallest part of its window in flight",
        build=lambda *_: LeastFilled(),
    ),
    Part(
        name="round-robin",
        summary="engines by turns, whatever they have to do",
        build=lambda *_: RoundRobin(),
    ),
    Part(
        name="least-outstanding",
        summary="the engine with the fewest tokens outstanding: uncached input, predicted output",
        build=lambda ground, _: LeastOutstanding(ground.prefixes),
    ),
    Part(
        name="consistent-hash",
        summary="equal interactions, prompts or tenants to equal engines, as far as these have room",
        build=_consistent_hash,
        reads_prefix=True,
        parameters=(_KEY_BYTES, _LOAD_PERCENT_MAX),
    ),
    Part(
        name="cache-aware",
        summary="the engine that holds the prompt's beginning, unless the load is too uneven",
        build=_cache_aware,
        parameters=(_MATCH_PERCENT_MIN, _IMBALANCE_REQUESTS, _IMBALANCE_PERCENT),
        asks_prefixes=True,
    ),
    Part(
        name="preble",
        summary="the engine with the cached prefix if that is most of the prompt, else the cheapest",
        build=_preble,
        parameters=(_WINDOW_REQUESTS, _REBALANCE_PERCENT, _REBALANCE_TOKENS_MIN),
        asks_prefixes=True,
    ),
    Part(
        name="d2lpm",
        summary="the engine with the longest cached prefix, while the tenant has quantum left there",
        build=_d2lpm,
        parameters=(_ENGINE_QUANTUM_TOKENS,),
        asks_prefixes=True,
    ),
)

PLACEMENTS: dict[str, Part[Placement]] = {part.name: part for part in _PARTS}
