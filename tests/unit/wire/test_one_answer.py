"""Bodies of responses and messages: what is read of them, and what an engine is sent of it."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.model import ModelName
from evenhand.wire.api_name import ApiName
from evenhand.wire.body_problem import BodyProblem
from evenhand.wire.carriers import CARRIERS
from evenhand.wire.completion import Completion
from evenhand.wire.dialect import DIALECTS, EngineKind, keeps_apart, one_answer_body
from evenhand.wire.members import Members, scan
from evenhand.wire.messages_body import read_message
from evenhand.wire.responses_body import read_response

ASK: dict[str, Any] = {"model": "m", "input": "hello there", "max_output_tokens": 9}
SAY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hello there"}],
    "max_tokens": 9,
}
BOTH = pytest.mark.parametrize(("read", "body"), [(read_response, ASK), (read_message, SAY)])


def scanned(document: dict[str, Any]) -> tuple[dict[str, Any], Members]:
    body = json.dumps(document).encode()
    parsed = orjson.loads(body)
    return parsed, scan(body, parsed)


def good(read: Any, document: dict[str, Any]) -> Completion:
    completion = read(*scanned(document))
    assert isinstance(completion, Completion), completion
    return completion


def sent(
    read: Any, document: dict[str, Any], kind: EngineKind, salt: str | None, **more: Any
) -> dict[str, Any]:
    completion = good(read, document)._replace(**more)
    _, members = scanned(document)
    engine = one_answer_body(members, completion, DIALECTS[kind], cache_salt=salt)
    assert not engine.asks_for_more
    read_back: dict[str, Any] = orjson.loads(engine.body)
    return read_back


def test_the_facts_are_read() -> None:
    response = good(read_response, {**ASK, "stream": True, "instructions": "be brief"})
    assert (response.api, response.is_stream, response.output_tokens_max) == (
        *(ApiName.RESPONSES, True),
        9,
    )
    assert response.prompt_bytes == len('"hello there"') + len('"be brief"')
    assert (response.prompts, response.choices) == (1, 1)
    message = good(read_message, {**SAY, "system": "be brief", "stream": None})
    assert (message.api, message.is_stream, message.output_tokens_max) == (
        *(ApiName.MESSAGES, False),
        9,
    )
    assert good(read_response, {"model": "m", "input": [{}]}).output_tokens_max is None


def test_pictures_are_few_tokens_however_many_bytes() -> None:
    data = "A" * 50_000
    source = {"type": "base64", "media_type": "image/png", "data": data}
    picture = {"type": "image", "source": source}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [picture]}
    message = {"role": "user", "content": [picture, result, {"type": "text", "text": "what?"}]}
    assert good(read_message, {**SAY, "messages": [message]}).prompt_bytes < 600
    parts = [
        {"type": "input_image", "image_url": f"data:image/png;base64,{data}"},
        {"type": "input_file", "file_data": data},
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
    ]
    items = [
        {"role": "user", "content": parts},
        {"type": "function_call_output", "output": parts[:1]},
    ]
    assert good(read_response, {**ASK, "input": items}).prompt_bytes < 600
    text = {"role": "user", "content": [{"type": "text", "text": data}]}
    assert good(read_message, {**SAY, "messages": [text]}).prompt_bytes > 50_000


@BOTH
def test_carriers_are_taken_out(read: Any, body: dict[str, Any]) -> None:
    forged = {**body, **dict.fromkeys(CARRIERS, "forged"), "temperature": 1}
    told = sent(read, forged, EngineKind.OPENAI, None)
    assert told.pop("store", True) is True
    assert told == {**body, "temperature": 1}


@BOTH
def test_salts_limits_and_aliases_are_put_in(read: Any, body: dict[str, Any]) -> None:
    assert sent(read, body, EngineKind.VLLM, "ab12")["cache_salt"] == "ab12"
    assert "cache_salt" not in sent(read, body, EngineKind.VLLM, None)
    assert sent(read, body, EngineKind.LLAMACPP, "ab12")["cache_prompt"] is False
    assert sent(read, body, EngineKind.EMBEDDED, None)["cache_prompt"] is True
    assert set(sent(read, body, EngineKind.OPENAI, "ab12")) - set(body) <= {"store"}
    alias = {"model": ModelName("real"), "alias": ModelName("m")}
    assert sent(read, body, EngineKind.OPENAI, None, **alias)["model"] == "real"


def test_whether_a_response_is_kept_is_always_said() -> None:
    for asked, store in ((None, True), (True, True), (False, False)):
        document = {**ASK, "store": asked}
        assert sent(read_response, document, EngineKind.VLLM, None)["store"] is store
    never = sent(read_response, ASK, EngineKind.VLLM, None, is_kept=False)
    assert never["store"] is False
    bounded = sent(
        *(read_response, {"model": "m", "input": "x"}, EngineKind.VLLM, None),
        output_tokens_max=77,
        limit_is_ours=True,
    )
    assert bounded["max_output_tokens"] == 77
    assert "store" not in sent(read_message, SAY, EngineKind.VLLM, None)


def test_who_keeps_prompts_apart() -> None:
    response, message = good(read_response, ASK), good(read_message, SAY)
    kept = {
        kind: (keeps_apart(DIALECTS[kind], response), keeps_apart(DIALECTS[kind], message))
        for kind in EngineKind
    }
    assert kept == {
        EngineKind.EMBEDDED: (True, True),
        EngineKind.VLLM: (True, True),
        EngineKind.SGLANG: (False, False),
        EngineKind.LLAMACPP: (True, False),
        EngineKind.TRTLLM: (False, False),
        EngineKind.OPENAI: (False, False),
    }


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
NAMES = st.sampled_from(
    [
        *("model", "input", "messages", "max_tokens", "max_output_tokens", "stream", "n", "tools"),
        *("content", "source", "data", "type", "output", "image_url", "system", "store", "prompt"),
    ]
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)


@BOTH
@given(st.dictionaries(NAMES, JSON, max_size=5))
def test_any_body_gives_facts_or_a_problem(
    read: Any, body: dict[str, Any], forged: dict[str, Any]
) -> None:
    for document in (forged, body | forged):
        parsed, members = scanned(document)
        found = read(parsed, members)
        if isinstance(found, BodyProblem):
            assert len(found.message) > 15
            continue
        assert found.prompt_bytes >= 0
        assert found.output_tokens_max is None or found.output_tokens_max >= 1
        for kind in EngineKind:
            told = one_answer_body(members, found, DIALECTS[kind], cache_salt="ab")
            orjson.loads(told.body)
