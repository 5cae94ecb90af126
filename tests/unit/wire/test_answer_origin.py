"""Whose an answer is, told by its ids and its model, and what engines may do without lying."""

import json
from typing import Any

import pytest

from evenhand.model import ModelName, RequestId
from evenhand.wire.answer_names import AnswerNames
from evenhand.wire.answer_origin import AnswerOrigin

OWN = RequestId("req_" + "a" * 24)
OTHER = RequestId("req_" + "b" * 24)
M, M2 = ModelName("m"), ModelName("m2")


def origin(choices: int = 1, *, names: AnswerNames | None = None, asked: ModelName = M) -> Any:
    return AnswerOrigin(OWN, asked, names or AnswerNames([M, M2]), choices=choices)


def chunk(answer_id: object = "c-1", model: object = "m", index: int | None = 0) -> dict[str, Any]:
    choices = [] if index is None else [{"index": index, "delta": {"content": "x"}}]
    return {"id": answer_id, "model": model, "choices": choices}


def test_one_id_and_one_model_from_first_to_last_are_no_lie() -> None:
    told = origin()
    for index in (0, 0, None):
        assert told.lie(chunk(index=index)) is None


@pytest.mark.parametrize("index", [0, 1, None])
def test_another_id_is_another_request(index: int | None) -> None:
    told = origin()
    assert told.lie(chunk()) is None
    assert told.lie(chunk("c-2", index=index)) == "it is of another request"


def test_vllm_makes_ids_of_ours_so_that_the_first_chunk_tells() -> None:
    assert origin().lie(chunk(f"chatcmpl-{OWN}-0-9fca75b6")) is None
    assert origin().lie(chunk(f"chatcmpl-{OTHER}-0-9fca75b6")) == "it is of another request"


def test_sglang_has_an_id_for_each_choice() -> None:
    told = origin(2)
    for answer_id, index in (("c-1", 0), ("c-2", 1), ("c-1", 0), ("c-2", 1), ("c-2", None)):
        assert told.lie(chunk(answer_id, index=index)) is None
    assert told.lie(chunk("c-1", index=1))
    assert told.lie(chunk("c-3", index=None))
    assert told.lie(chunk("c-3", index=2)), "there are but two"


@pytest.mark.parametrize("nothing", ["", None, 7, []])
def test_what_is_left_out_is_no_lie(nothing: object) -> None:
    told = origin()
    assert told.lie(chunk(nothing, nothing)) is None
    assert told.lie(chunk()) is None
    assert told.lie(chunk(nothing, nothing)) is None
    assert told.lie({}) is None
    assert told.lie(chunk("c-2"))


def test_another_model_in_the_middle_is_a_lie() -> None:
    told = origin()
    assert told.lie(chunk()) is None
    assert told.lie(chunk(model="m2")) == "it goes on as the model m2"


def test_an_alias_and_a_new_version_are_no_lies() -> None:
    names = AnswerNames([M, M2])
    for answered in ("file.gguf", "m", "m-2026-11-01", "m-2026-11-02", "m"):
        assert origin(names=names).lie(chunk(model=answered)) is None


def test_two_names_of_one_model_are_no_lie() -> None:
    names = AnswerNames([M, M2])
    for asked in (M, M2, M, M2):
        assert origin(names=names, asked=asked).lie(chunk(model="m2")) is None
        assert origin(names=names, asked=asked).lie(chunk(model="m2")) is None


def test_whoever_was_m_and_answers_by_the_name_of_m2_has_answered_with_m2() -> None:
    names = AnswerNames([M, M2])
    assert origin(names=names).lie(chunk(model="m")) is None
    assert origin(names=names).lie(chunk(model="m2")) == "it is of the model m2"
    names = AnswerNames([M, M2])
    assert origin(names=names).lie(chunk(model="m.gguf")) is None
    assert origin(names=names, asked=M2).lie(chunk(model="m2.gguf")) is None
    assert origin(names=names).lie(chunk(model="m2.gguf")) == "it is of the model m2.gguf"
    names.forget()
    assert origin(names=names).lie(chunk(model="m2.gguf")) is None


def test_an_event_like_the_last_need_not_be_looked_at_and_no_text_can_feign_it() -> None:
    told = origin()
    assert not told.is_same(b"")
    told.lie(chunk())
    assert told.is_same(json.dumps(chunk()).encode())
    assert told.is_same(json.dumps(chunk(), separators=(",", ":")).encode())
    feigned = chunk("c-2") | {"choices": [{"index": 0, "text": '"id":"c-1","model":"m"'}]}
    assert not told.is_same(json.dumps(feigned).encode())


def test_ids_and_names_of_any_characters_are_compared_as_they_are() -> None:
    for answer_id in ('a"b', "\u00e4\ud800", "\x00"):
        told = origin()
        assert told.lie(chunk(answer_id, answer_id)) is None
        assert told.lie(chunk(answer_id, answer_id)) is None
        assert told.lie(chunk(answer_id + "x", answer_id))
