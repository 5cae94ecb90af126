"""Figures of cached tokens taken out of answers: every one, nothing else, and no length changed."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from evenhand.wire.hidden_cache import without_cached

DETAILS = {"usage": {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 123}}}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", " : ")])
def test_each_figure_becomes_none_and_keeps_its_place(separators: tuple[str, str]) -> None:
    body = json.dumps([DETAILS, DETAILS], separators=separators).encode()
    hidden = without_cached(body)
    assert len(hidden) == len(body)
    details = [one["usage"]["prompt_tokens_details"] for one in json.loads(hidden)]
    assert details == [{"cached_tokens": 0}] * 2


def test_what_a_model_says_of_cached_tokens_is_left_as_it_is() -> None:
    body = json.dumps({"content": json.dumps(DETAILS)}).encode()
    assert without_cached(body) is not None
    assert json.loads(without_cached(body)) == json.loads(body)


@given(
    text=st.text(max_size=60).filter(lambda text: text != "cached_tokens"), cached=st.integers(0)
)
def test_whatever_stands_beside_it_stays(text: str, cached: int) -> None:
    body = json.dumps({"a": text, "cached_tokens": cached, text: 1}).encode()
    assert json.loads(without_cached(body)) == json.loads(body) | {"cached_tokens": 0}
