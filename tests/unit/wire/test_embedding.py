"""What is read of a body that asks for embeddings, and what an engine is sent of it."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.wire.body_problem import BodyProblem
from evenhand.wire.carriers import CARRIERS
from evenhand.wire.completion import Completion
from evenhand.wire.dialect import DIALECTS, EngineKind, engine_body
from evenhand.wire.embedding import read_embedding
from evenhand.wire.members import Members, scan

ASK: dict[str, Any] = {"model": "m", "input": "hello there"}


def read(document: dict[str, Any]) -> tuple[Completion | BodyProblem, Members]:
    body = json.dumps(document).encode()
    parsed = orjson.loads(body)
    members = scan(body, parsed)
    return read_embedding(parsed, members), members


def good(document: dict[str, Any]) -> tuple[Completion, Members]:
    embedding, members = read(document)
    assert isinstance(embedding, Completion), embedding
    return embedding, members


@pytest.mark.parametrize(
    ("value", "prompts", "tokens"),
    [
        ("hello", 1, None),
        (["hello"], 1, None),
        (["a", "b", "a"], 3, None),
        ([7], 1, 1),
        ([1, 2, 3], 1, 3),
        ([[1, 2], [3]], 2, 3),
        (["x"] * 5_000, 5_000, None),
    ],
)
def test_inputs_are_counted_and_nothing_else_is_asked_for(
    value: Any, prompts: int, tokens: int | None
) -> None:
    embedding, members = good(ASK | {"input": value})
    assert (embedding.prompts, embedding.prompt_tokens) == (prompts, tokens)
    assert (
        embedding.prompt_bytes
        == len(json.dumps(value))
        == members.value_bytes(frozenset({"input"}))
    )
    assert (embedding.choices, embedding.output_tokens_max) == (1, 0)
    assert not embedding.is_stream


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", [], [""], ["a", ""], [[]], [[1], []], 7, 1.5, True, {"text": "a"}),
        *([True], [1, True], [1.0], [1, 2.5], [None], [10**30], [{}], [[["a"]]], [[1, "a"]]),
        *(["a", 1], ["a", [1]], [[1], 1], [[1.5]], [[True]], [[10**30]], ["a", None]),
    ],
)
def test_what_is_no_input_is_refused(value: Any) -> None:
    problem, _ = read(ASK | {"input": value})
    assert isinstance(problem, BodyProblem)
    assert problem.param == "input"
    assert "input must" in problem.message or "Send input" in problem.message


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": ["m"]}, "model"),
        ({"stream": True}, "stream"),
        ({"stream": "yes"}, "stream"),
        ({"n": 1}, "n"),
        ({"best_of": 1000}, "best_of"),
        ({"n_cmpl": 8}, "n_cmpl"),
        ({"messages": [{"role": "user", "content": "a long story"}]}, "messages"),
        ({"Input": "twice"}, "Input"),
        ({"STREAM": True}, "STREAM"),
    ],
)
def test_what_has_no_place_in_it_is_named(more: dict[str, Any], param: str) -> None:
    problem, _ = read(ASK | more)
    assert isinstance(problem, BodyProblem)
    assert problem.param == param


def test_a_missing_input_is_named() -> None:
    problem, _ = read({"model": "m", "prompt": "hello"})
    assert isinstance(problem, BodyProblem)
    assert problem.param == "input"


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=12,
)


@given(values)
def test_whatever_stands_there_is_one_of_four_forms_or_refused(value: Any) -> None:
    body = orjson.dumps({"model": "m"})[:-1] + b',"input":' + json.dumps(value).encode() + b"}"
    parsed = orjson.loads(body)
    members = scan(body, parsed)
    read_as = read_embedding(parsed, members)
    items = parsed["input"]
    if isinstance(read_as, BodyProblem):
        assert read_as.param == "input"
        return
    assert items
    if isinstance(items, str):
        assert read_as.prompts == 1
    elif read_as.prompt_tokens is None:
        assert all(isinstance(item, str) and item for item in items)
        assert read_as.prompts == len(items)
    else:
        rows = [items] if read_as.prompts == 1 and isinstance(items[0], int) else items
        assert all(row and all(type(token) is int for token in row) for row in rows)
        assert read_as.prompt_tokens == sum(len(row) for row in rows)


@pytest.mark.parametrize("kind", list(EngineKind))
@pytest.mark.parametrize("salt", [None, "s"])
def test_engines_get_all_but_carriers_and_a_salt_where_it_is_heeded(
    kind: EngineKind, salt: str | None
) -> None:
    kept = {"encoding_format": "base64", "dimensions": 8, "unknown_field": [1], "stream": False}
    embedding, members = good(ASK | dict.fromkeys(CARRIERS, "forged") | kept)
    sent = json.loads(engine_body(members, embedding, DIALECTS[kind], cache_salt=salt).body)
    salted = {"cache_salt": "s"} if salt and kind is EngineKind.VLLM else {}
    assert sent == ASK | kept | salted
