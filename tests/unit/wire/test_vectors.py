"""Embeddings are cut out of an answer, and nothing else is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.wire.vectors import without_vectors

USAGE = {"prompt_tokens": 3, "total_tokens": 3}


def answer(*vectors: Any, **more: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "embedding": v, "index": i} for i, v in enumerate(vectors)]
    return {"object": "list", "data": data, "usage": USAGE, **more}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("vectors", [([0.5, -1e-9], []), ("AAAA+/8=", ""), ([1], "AAAA")])
def test_floats_and_base64_become_null(vectors: tuple[Any, ...], indent: int | None) -> None:
    body = json.dumps(answer(*vectors), indent=indent).encode()
    assert json.loads(without_vectors(body)) == answer(*[None] * len(vectors))


def test_what_is_not_what_it_looks_like_is_left_to_who_parses() -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(without_vectors(json.dumps(answer([[0.5], [0.5]])).encode()))
    unfinished = b'{"usage": {}, "embedding": [1, 2'
    assert without_vectors(unfinished) == unfinished


texts = st.text() | st.sampled_from(['"embedding":[', '"embedding": "', '\\"embedding":["', "]"])


@given(st.dictionaries(texts, st.lists(texts, max_size=3), max_size=4))
def test_no_text_is_taken_for_a_vector(document: dict[str, Any]) -> None:
    document.pop("embedding", None)
    body = json.dumps(document).encode()
    assert without_vectors(body) == body
