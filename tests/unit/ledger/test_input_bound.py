"""A hold for input must not be too small; it learns to be not much too large."""

from hypothesis import given
from hypothesis import strategies as st

from evenhand.ledger import InputBound
from evenhand.ledger.input_bound import TEMPLATE_TOKENS
from evenhand.model import ModelName, Usage

M = ModelName("m")


def test_before_anything_is_learned_no_text_exceeds_it() -> None:
    assert InputBound().tokens(M, 1_000) >= 1_000


def test_it_learns_from_what_engines_count() -> None:
    bound = InputBound()
    bound.learn(M, 4_000, Usage(1_000, 5))
    assert 1_000 <= bound.tokens(M, 4_000) < 2_000
    assert bound.tokens(ModelName("other"), 4_000) >= 4_000, "each model for itself"


def test_estimates_and_short_prompts_teach_nothing() -> None:
    bound = InputBound()
    bound.learn(M, 4_000, Usage(10, 5, is_estimate=True))
    bound.learn(M, 100, Usage(10, 5))
    assert bound.tokens(M, 1_000) >= 1_000


def test_images_do_not_spoil_it() -> None:
    bound = InputBound()
    bound.learn(M, 4_000, Usage(1_000, 5))
    before = bound.tokens(M, 4_000)
    bound.learn(M, 400, Usage(50_000, 5))
    assert bound.tokens(M, 4_000) == before


def test_one_dense_text_is_remembered_for_a_while() -> None:
    bound = InputBound()
    bound.learn(M, 4_000, Usage(3_000, 5))
    for _ in range(10):
        bound.learn(M, 4_000, Usage(1_000, 5))
    assert bound.tokens(M, 4_000) >= 3_000
    for _ in range(1_000):
        bound.learn(M, 4_000, Usage(1_000, 5))
    assert bound.tokens(M, 4_000) < 2_000


@given(st.lists(st.tuples(st.integers(256, 10**6), st.integers(0, 10**6)), min_size=1))
def test_what_was_seen_last_is_always_within(seen: list[tuple[int, int]]) -> None:
    bound = InputBound()
    for size, counted in seen:
        tokens = min(counted, size)
        bound.learn(M, size, Usage(tokens, 1))
        assert bound.tokens(M, size) >= tokens
        assert bound.tokens(M, size) <= size + TEMPLATE_TOKENS
