"""What is read of a body, and what an engine is sent of it."""

import json
from typing import Any

import pytest

from evenhand.wire.body_problem import BodyProblem
from evenhand.wire.carriers import CARRIERS
from evenhand.wire.completion import Completion, read_completion
from evenhand.wire.dialect import DIALECTS, EngineKind, engine_body
from evenhand.wire.members import Members, scan

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def read(document: dict[str, Any]) -> tuple[Completion | BodyProblem, Members]:
    members = scan(json.dumps(document).encode(), document)
    return read_completion(document, members), members


def good(document: dict[str, Any]) -> tuple[Completion, Members]:
    completion, members = read(document)
    assert isinstance(completion, Completion)
    return completion, members


@pytest.mark.parametrize(
    ("more", "choices", "tokens", "output_max"),
    [
        ({}, 1, None, None),
        ({"n": 3}, 3, None, None),
        ({"n": 2, "best_of": 4}, 4, None, None),
        ({"prompt": ["a", "b"], "n": 2}, 4, None, None),
        ({"prompt": [1, 2, 3]}, 1, 3, None),
        ({"prompt": [[1, 2], [3]]}, 2, 3, None),
        ({"max_tokens": 5, "max_completion_tokens": 9}, 1, None, 9),
        ({"n": None, "max_tokens": None, "stream": None}, 1, None, None),
    ],
)
def test_amounts(
    more: dict[str, Any], choices: int, tokens: int | None, output_max: int | None
) -> None:
    completion, _ = good(CHAT | more)
    assert (completion.choices, completion.prompt_tokens) == (choices, tokens)
    assert completion.output_tokens_max == output_max


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 3}, "model"),
        ({"n": 0}, "n"),
        ({"n": True}, "n"),
        ({"n": 1.5}, "n"),
        ({"best_of": "4"}, "best_of"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": [1]}, "stream_options"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
    ],
)
def test_problems_name_the_member(more: dict[str, Any], param: str) -> None:
    problem, _ = read(CHAT | more)
    assert isinstance(problem, BodyProblem)
    assert problem.param == param


@pytest.mark.parametrize("kind", list(EngineKind))
@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("salt", [None, "s"])
def test_no_carrier_reaches_any_engine_and_all_else_does(
    kind: EngineKind, is_stream: bool, salt: str | None
) -> None:
    forged = dict.fromkeys(CARRIERS, "forged")
    kept = {"temperature": 0.5, "unknown_field": {"user": [1]}, "stream": is_stream}
    completion, members = good(CHAT | forged | kept)
    sent = json.loads(engine_body(members, completion, DIALECTS[kind], cache_salt=salt).body)
    assert "forged" not in sent.values()
    added = {k: v for k, v in sent.items() if k not in CHAT | kept}
    assert {k: v for k, v in sent.items() if k not in added} == CHAT | kept
    expected: dict[str, Any] = {}
    if is_stream and kind in (EngineKind.VLLM, EngineKind.SGLANG):
        expected["stream_options"] = {"include_usage": True, "continuous_usage_stats": True}
    elif is_stream and kind is not EngineKind.OPENAI:
        expected["stream_options"] = {"include_usage": True}
    if salt and kind in (EngineKind.VLLM, EngineKind.SGLANG):
        expected["cache_salt"] = "s"
    if kind in (EngineKind.LLAMACPP, EngineKind.EMBEDDED):
        expected["cache_prompt"] = not salt
    assert added == expected


def test_a_carrier_in_another_case_does_not_pass_either() -> None:
    completion, members = good(CHAT | {"Priority": -1, "USER": "root"})
    sent = engine_body(members, completion, DIALECTS[EngineKind.OPENAI], cache_salt=None)
    assert json.loads(sent.body) == CHAT


def test_the_clients_own_stream_options_are_kept() -> None:
    options = {"include_usage": False, "include_obfuscation": False}
    completion, members = good(CHAT | {"stream": True, "stream_options": options})
    sent = engine_body(members, completion, DIALECTS[EngineKind.VLLM], cache_salt=None)
    assert sent.asks_for_more
    assert json.loads(sent.body)["stream_options"] == {
        "include_usage": True,
        "include_obfuscation": False,
        "continuous_usage_stats": True,
    }


def test_usage_on_each_chunk_is_not_asked_for_several_choices() -> None:
    completion, members = good(CHAT | {"stream": True, "n": 2})
    sent = engine_body(members, completion, DIALECTS[EngineKind.VLLM], cache_salt=None)
    assert json.loads(sent.body)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("name", ["N", "Max_Tokens", "MODEL", "Stream"])
def test_a_member_that_we_read_is_refused_in_another_case(name: str) -> None:
    problem, _ = read(CHAT | {name: 1})
    assert isinstance(problem, BodyProblem)
    assert problem.param == name


def test_images_are_no_text() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    parts = [{"type": "text", "text": "what is this?"}, image]
    completion, _ = good({"model": "m", "messages": [{"role": "user", "content": parts}]})
    assert completion.prompt_bytes < 300


def test_nothing_is_asked_that_the_client_asked_already() -> None:
    options = {"include_usage": True}
    completion, members = good(CHAT | {"stream": True, "stream_options": options})
    sent = engine_body(members, completion, DIALECTS[EngineKind.TRTLLM], cache_salt=None)
    assert not sent.asks_for_more
    assert sent.body is members.body


def test_what_we_set_stands_once() -> None:
    """Readers disagree on which of two counts."""
    options = {"include_usage": False}
    completion, members = good(
        CHAT | {"stream": True, "stream_options": options, "max_tokens": None}
    )
    bounded = completion._replace(output_tokens_max=7, limit_is_ours=True)
    sent = engine_body(members, bounded, DIALECTS[EngineKind.VLLM], cache_salt="s")
    keys = [key for key, _ in json.loads(sent.body, object_pairs_hook=list)]
    assert sorted(keys) == sorted([*CHAT, "stream", "stream_options", "max_tokens", "cache_salt"])


def test_images_are_found_beside_messages_that_are_none() -> None:
    image = {"type": "image_url", "image_url": {"url": "A" * 100_000}}
    completion, _ = good({"model": "m", "messages": ["what?", {"content": [image]}]})
    assert completion.prompt_bytes < 300
