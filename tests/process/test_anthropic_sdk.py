"""The official `anthropic` SDK against the real gateway: what is told, charged and refused."""

import json
from typing import Any

import anthropic
import pytest

from evenhand.gateway.settings import CallLimits
from evenhand.ledger import Budget
from evenhand.model import Outcome, TrustDomain
from evenhand.wire.dialect import EngineKind
from support.anthropic_sdk import MESSAGE, anthropic_sdk
from support.gateway import KEY_A, KEY_B, Backend, Setup, becomes, gateway, identity
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine

PATH = "/v1/messages"
TOOL: Any = {"name": "look", "input_schema": {"type": "object"}}


def used(record: dict[str, Any]) -> tuple[Any, ...]:
    """Input, cached input, output, and whether that is an estimate."""
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "usage_is_estimate")
    return tuple(record[name] for name in names)


def test_a_message_is_answered_and_its_usage_is_the_ledgers() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, anthropic_sdk(g) as s:
            engine.default = Answer(tokens=3, prompt_tokens=10, cached_tokens=4)
            answer = await s.client.messages.create(**MESSAGE, metadata={"user_id": "u"})
            assert answer.content[0].type == "text"
            assert answer.content[0].text == "w0 w1 w2 "
            assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens) == (6, 4)
            record = (await g.ended(1))[0]
            assert used(record) == (10, 4, 3, False)
            assert (record["path"], answer._request_id) == (PATH, record["request_id"])
            assert "metadata" not in engine.requests[0].json
            sent = dict(engine.requests[0].headers)
            assert "x-api-key" not in sent
            assert KEY_A not in str(sent)
            await becomes(lambda: g.lines)
            assert KEY_A.encode() not in b"".join(g.lines)

    run_on_loop(main)


def test_a_stream_has_all_its_events_and_no_done() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, anthropic_sdk(g) as s:
            engine.default = Answer(tokens=4, prompt_tokens=10, cached_tokens=4)
            async with s.client.messages.stream(**MESSAGE) as stream:
                text = "".join([text async for text in stream.text_stream])
                final = await stream.get_final_message()
            assert text == "w0 w1 w2 w3 "
            assert (final.usage.input_tokens, final.usage.output_tokens) == (6, 4)
            raw = await g.stream({**MESSAGE, "stream": True}, path=PATH)
            told = [event.split(b"\n")[0].decode() for event in await raw.events()]
            assert [name for name in told if not name.endswith("block_delta")] == [
                *("event: message_start", "event: content_block_start", "event: ping"),
                *("event: content_block_stop", "event: message_delta", "event: message_stop"),
            ]
            assert [used(record) for record in await g.ended(2)] == [(10, 4, 4, False)] * 2

    run_on_loop(main)


def test_tools_are_called() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, anthropic_sdk(g) as s:
            engine.default = Answer(tokens=5, tool="look")
            whole = await s.client.messages.create(**MESSAGE, tools=[TOOL])
            async with s.client.messages.stream(**MESSAGE, tools=[TOOL]) as stream:
                streamed = await stream.get_final_message()
            for answer in (whole, streamed):
                assert answer.stop_reason == "tool_use"
                call: Any = answer.content[0]
                assert call.type == "tool_use"
                assert call.input == {"a": "w2 w3 w4 "}
            assert [used(record)[2] for record in await g.ended(2)] == [5, 5]

    run_on_loop(main)


def test_either_header_says_who_calls_and_one_is_enough() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            async with anthropic_sdk(g) as s, anthropic_sdk(g, key="sk-of-nobody") as nobody:
                await s.client.messages.create(**MESSAGE)
                with pytest.raises(anthropic.AuthenticationError) as raised:
                    await nobody.client.messages.create(**MESSAGE)
                assert raised.value.type == "authentication_error"
                assert str(raised.value.request_id).startswith("req_")
            async with anthropic.AsyncAnthropic(base_url=g.url, auth_token=KEY_B) as client:
                await client.messages.create(**MESSAGE)
            # What says Authorization is who calls, whatever else is sent.
            both = await g.post(MESSAGE, path=PATH, key="sk-wrong", headers={"x-api-key": KEY_A})
            assert both.status == 401
            assert [record["tenant"] for record in await g.ended(2)] == [("a",), ("b",)]

    run_on_loop(main)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": 10**9}, "max_tokens"),
        ({"max_output_tokens": 5}, "max_output_tokens"),
        ({"n": 2}, "n: "),
        ({"n_cmpl": 2}, "n_cmpl"),
        ({"stream": "yes"}, "stream"),
        ({"messages": []}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": [7]}, "messages"),
        ({"mcp_servers": [{"url": "http://x"}]}, "mcp_servers"),
        ({"prompt": "x"}, "prompt"),
        ({"Messages": []}, "Messages"),
        ({"model": ""}, "model"),
    ],
)
def test_bad_bodies_are_refused_in_its_own_shape(body: dict[str, Any], says: str) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            answer = await g.post({**MESSAGE, **body}, path=PATH)
            assert answer.status == 400
            assert answer.json["type"] == "error"
            assert answer.json["error"]["type"] == "invalid_request_error"
            assert says in answer.json["error"]["message"]
            assert answer.headers["request-id"] == answer.json["request_id"]
            assert answer.headers["x-should-retry"] == "false"
            assert engine.requests == []
            await g.ended(1)

    run_on_loop(main)


def test_errors_of_all_kinds_raise_what_the_sdk_has_for_them() -> None:
    async def main() -> None:
        budget = Budget(tokens_max=20)
        keys = {KEY_A: identity("a", models=frozenset({"m"})), KEY_B: identity("b", budget=budget)}
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=Setup(keys=keys)) as g,
            anthropic_sdk(g, retries=0) as s,
            anthropic_sdk(g, retries=3, key=KEY_B) as poor,
        ):
            with pytest.raises(anthropic.PermissionDeniedError):
                await s.client.messages.create(**{**MESSAGE, "model": "other"})
            engine.default = Answer(status=422, error_message="no such thing")
            with pytest.raises(anthropic.UnprocessableEntityError, match="no such thing") as raised:
                await s.client.messages.create(**MESSAGE)
            assert raised.value.type == "invalid_request_error"
            engine.default = Answer(status=500)
            with pytest.raises(anthropic.InternalServerError):
                await s.client.messages.create(**MESSAGE)
            g.set_up("e0", is_up=False)
            with pytest.raises(anthropic.OverloadedError) as down:
                await s.client.messages.create(**MESSAGE)
            assert down.value.status_code == 529
            assert "retry-after" in down.value.response.headers
            with pytest.raises(anthropic.RateLimitError, match="budget"):
                await poor.client.messages.create(**MESSAGE)
            assert poor.requests == 1
            statuses = [record["status"] for record in await g.ended(5)]
            assert statuses == [403, 422, 502, 529, 429]

    run_on_loop(main)


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events
    )


TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
BROKE = {"type": "error", "error": {"type": "internal_error", "message": "out of memory"}}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(sse=sse(TEXT, BROKE)),
        Answer(sse=sse(TEXT)),
        Answer(tokens=5, cut_after_tokens=1),
    ],
    ids=["error", "ended", "cut"],
)
def test_a_stream_that_breaks_off_raises_in_the_sdk(answer: Answer) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, anthropic_sdk(g) as s:
            engine.default = answer
            with pytest.raises(anthropic.APIStatusError, match="engine") as raised:
                async for _ in await s.client.messages.create(**MESSAGE, stream=True):
                    pass
            assert raised.value.type == "api_error"
            record = (await g.ended(1))[0]
            assert record["outcome"] == Outcome.ENGINE_FAILED
            assert used(record)[2:] == (1, True)

    run_on_loop(main)


def test_a_client_that_leaves_is_charged_for_what_came() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(tokens=50, gated=True, prompt_tokens=77)
            stream = await g.stream({**MESSAGE, "stream": True, "max_tokens": 60}, path=PATH)
            request = await engine.received(1)
            request.step(3)
            came = 0
            while came < 3:
                event = await stream.event()
                assert event is not None
                came += event.startswith(b"event: content_block_delta")
            stream.leave()
            await request.closed_by_client.wait()
            record = (await g.ended(1))[0]
            assert record["outcome"] == Outcome.CANCELLED_RUNNING
            assert used(record) == (77, 0, 3, True), "the engine has said how long the prompt is"

    run_on_loop(main)


def test_where_tenants_share_a_cache_nobody_is_told_what_was_in_it() -> None:
    async def main() -> None:
        keys = {
            KEY_A: identity("a", trust_domain=TrustDomain("one")),
            KEY_B: identity("b", trust_domain=TrustDomain("two")),
        }
        async with ScriptedEngine() as engine:
            backend = Backend(engine, kind=EngineKind.SGLANG)
            async with gateway(backend, setup=Setup(keys=keys)) as g:
                engine.default = Answer(tokens=2, prompt_tokens=10, cached_tokens=4)
                whole = (await g.post(MESSAGE, path=PATH)).json
                usage = {"input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 0}
                assert whole["usage"] == usage
                assert whole["content"][0]["text"] == "w0 w1 "
                streamed = await (await g.stream({**MESSAGE, "stream": True}, path=PATH)).events()
                assert b'"cache_read_input_tokens":0' in streamed[-2]
                assert b'"input_tokens":10' in streamed[-2]
                asked = {"model": "m", "input": "hello there"}
                told = (await g.post(asked, path="/v1/responses")).json["usage"]
                assert told["input_tokens_details"]["cached_tokens"] == 0
                assert [used(record)[1] for record in await g.ended(3)] == [4, 4, 4]

    run_on_loop(main)


def test_an_engine_with_salts_gets_one_and_tells_what_was_cached() -> None:
    async def main() -> None:
        keys = {
            KEY_A: identity("a", trust_domain=TrustDomain("one")),
            KEY_B: identity("b", trust_domain=TrustDomain("two")),
        }
        async with ScriptedEngine() as vllm, ScriptedEngine() as llama:
            backends = (
                Backend(vllm, models=("m",)),
                Backend(llama, models=("l",), kind=EngineKind.EMBEDDED),
            )
            async with gateway(*backends, setup=Setup(keys=keys)) as g:
                vllm.default = Answer(prompt_tokens=10, cached_tokens=4)
                for path in (PATH, "/v1/responses"):
                    asked = {"model": "m", "input": "x", "cache_salt": "mine"}
                    body = {**MESSAGE, "cache_salt": "mine"} if path == PATH else asked
                    for key in (KEY_A, KEY_B):
                        answer = await g.post(body, path=path, key=key)
                        assert b'"cache' in answer.body
                    await g.post({**body, "model": "l"}, path=path)
                salts = [request.json["cache_salt"] for request in vllm.requests]
                assert salts[:2] == salts[2:]
                assert salts[0] != salts[1] != "mine"
                assert [request.json["cache_prompt"] for request in llama.requests] == [False] * 2

    run_on_loop(main)


def test_models_are_listed() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            setup = Setup(aliases={"claude": "m"})
            async with gateway(Backend(engine), setup=setup) as g, anthropic_sdk(g) as s:
                listed = [model async for model in s.client.models.list()]
                assert [(model.id, model.display_name) for model in listed] == [
                    *(("claude", "claude"), ("m", "m")),
                ]

    run_on_loop(main)


def test_a_long_answer_is_refused_in_its_own_shape() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            setup = Setup(limits=CallLimits(answer_bytes_max=1_000))
            async with gateway(Backend(engine), setup=setup) as g:
                engine.default = Answer(tokens=2_000)
                answer = await g.post({**MESSAGE, "max_tokens": 3_000}, path=PATH)
                assert (answer.status, answer.json["error"]["type"]) == (502, "api_error")
                details = answer.json["error"]["details"]
                assert details["error_code"] == "answer_too_large"
                await g.ended(1)

    run_on_loop(main)
