"""An engine can tell what its prefix cache forgets, and a core that is told believes no more than is
there."""

import random
from collections.abc import Callable
from typing import Any

from evenhand.scheduling import compose
from evenhand.sim.engine.prefix_cache import BlockCache
from evenhand.sim.engine.prefix_cache.node import Path
from evenhand.sim.fleet import at_gateway
from evenhand.sim.profile import load_profile
from evenhand.sim.requests import prefix_bytes
from evenhand.sim.settings import SimulationSettings
from evenhand.workloads.ask import Segment
from evenhand.workloads.catalog import recipe_named

BLOCK = 16


def length(path: Path) -> int:
    return sum(segment.tokens for segment in path)


def found(cache: BlockCache, path: Path) -> int:
    return cache.find(path, length(path))[1]


def remember(cache: BlockCache, path: Path) -> None:
    """A sequence comes, computes its prompt and goes."""
    tokens = length(path)
    node, hit, _ = cache.find(path, tokens)
    own = -(-tokens // BLOCK) - hit // BLOCK
    held = cache.hold(node, hit)
    cache.take(own)
    whole = tokens - tokens % BLOCK
    held = cache.keep(held, path, whole)
    cache.release(held, own - (whole - hit) // BLOCK)


def test_whoever_listens_knows_what_the_cache_holds() -> None:
    dice = random.Random(3)
    # Eight tokens of a question in the block that the document ends in: the text tells them apart.
    paths = [
        (Segment(document, 104 + 16 * document), Segment(100 + question, 40))
        for document in range(6)
        for question in range(4)
    ]
    cache = BlockCache(30, BLOCK)
    believed: dict[Path, int] = dict.fromkeys(paths, 0)

    def forgotten(path: Path, tokens: int) -> None:
        gone = prefix_bytes(path)[:tokens]
        for other in paths:
            if prefix_bytes(other).startswith(gone):
                believed[other] = min(believed[other], tokens - BLOCK)

    cache.forgotten = forgotten
    for _ in range(400):
        path = dice.choice(paths)
        remember(cache, path)
        for other in paths:
            shared = length(path) if other == path else path[0].tokens * (other[0] == path[0])
            believed[other] = max(believed[other], shared - shared % BLOCK)
        assert {other: found(cache, other) for other in paths} == believed


def too_much_believed(*, hears_evictions: bool) -> float:
    """Which part of all prompts the core took to be cached, and was not."""
    dials = {"programs": 60, "rate": 1.0, "questions_each": 6.0, "document_tokens": 4_000}
    traffic = recipe_named("dlpm/qa").make(1, dials)
    profile = load_profile("a100-llama-3.1-8b").model_copy(update={"kv_tokens": 40_000})
    settings = SimulationSettings(hears_evictions=hears_evictions, charge_every_ms=250)
    fleet = at_gateway(traffic, compose("lpm"), profile, engines=1, settings=settings)
    scheduler: Any = fleet.host._scheduler  # type: ignore[attr-defined]
    prefixes, believed = scheduler.prefixes, {}
    started: Callable[..., int] = prefixes.started

    def listened(request: Any, *rest: Any) -> int:
        believed[int(request.id)] = started(request, *rest)
        return believed[int(request.id)]

    prefixes.started = listened
    record = fleet.run()
    too_much = sum(
        max(0, believed[ask] - cached)
        for ask, cached in zip(record.ask, record.cached_tokens, strict=True)
    )
    return too_much / sum(record.input_tokens)


def test_a_core_that_hears_of_evictions_believes_little_that_is_gone() -> None:
    assert too_much_believed(hears_evictions=False) > 0.1
    assert too_much_believed(hears_evictions=True) < 0.02
