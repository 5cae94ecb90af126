"""The real scheduler and cache under seeded traffic, audited after each step."""

import os
from typing import Any

import pytest

from support.transformers_audit import AuditedEngine, random_run
from support.transformers_engine import Shape

SEEDS = int(os.environ.get("EVENHAND_STEPS", "3"))
STEPS = 300
ROOMY = Shape()
TIGHT = Shape(pages=30)
"""So little memory that requests which run are taken back now and then."""
SHARING = Shape(pages=60, shares_prefixes=True)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("shape", [ROOMY, TIGHT], ids=["roomy", "tight"])
def test_books_agree_after_each_step_and_nothing_is_left_behind(
    model: Any, shape: Shape, seed: int
) -> None:
    engine = AuditedEngine(model, shape, seed=seed)
    random_run(engine, seed, STEPS)
    engine.finish()
    assert engine.seen["aborts"]
    assert engine.seen["chunks"]
    if shape is TIGHT:
        assert engine.seen["recomputed"]


@pytest.mark.parametrize("policy", ["vtc", "wsc", "dlpm", "round-robin"])
def test_what_was_cached_is_charged_as_cached(model: Any, policy: str) -> None:
    engine = AuditedEngine(model, SHARING, policy=policy)
    random_run(engine, 1, STEPS, shared=24)
    engine.finish()
    assert engine.seen["cached"] > 500
