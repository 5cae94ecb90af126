"""What an engine finds wrong with a request is the client's to know; what is wrong with it is not."""

import json

import pytest
import uvloop

from evenhand.engines.http import ClientSettings
from evenhand.gateway.settings import CallLimits
from evenhand.model import Outcome
from support.gateway import CHAT, KEY_A, STREAM, Backend, Setup, error_of, gateway
from support.scripted_engine import Answer, ScriptedEngine

IMPATIENT = Setup(client=ClientSettings(first_byte_timeout_ms=60, silence_timeout_ms=60))


ERROR_BODIES = {
    "OpenAI's": (b'{"error":{"message":"too long","type":"t","param":"p","code":9},"x":1}', True),
    "a bare one (SGLang)": (b'{"object":"error","message":"too long","type":"BadRequest"}', False),
    "FastAPI's": (b'{"detail":"too long"}', False),
    "Ollama's": (b'{"error":"too long"}', False),
}


@pytest.mark.parametrize("what", list(ERROR_BODIES))
@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_the_engine_finds_wrong_with_a_request_reaches_the_client(
    what: str, status: int
) -> None:
    async def main() -> None:
        body, as_it_is = ERROR_BODIES[what]
        head = b"HTTP/1.1 %d No\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        async with ScriptedEngine() as engine, ScriptedEngine() as other:
            engine.default = Answer(raw=head % (status, len(body)) + body)
            async with gateway(Backend(engine, name="a"), Backend(other, name="b")) as g:
                answer = await g.post(STREAM)
                assert answer.status == status
                assert "too long" in answer.json["error"]["message"]
                assert answer.headers["x-should-retry"] == "false"
                if as_it_is:
                    assert answer.body == body
                (record,) = await g.ended(1)
                assert record["outcome"] is Outcome.REFUSED_BY_ENGINE
                assert (record["status"], record["units"]) == (status, 0)
                assert not other.requests

    uvloop.run(main())


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"[]", b'{"error":7}', b'{"detail":[]}'])
def test_a_refusal_without_a_reason_still_is_an_openai_error(body: bytes) -> None:
    async def main() -> None:
        head = b"HTTP/1.1 400 No\r\ncontent-length: %d\r\n\r\n" % len(body)
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(raw=head + body)
            answer = await g.post(CHAT)
            assert answer.status == 400
            error_of(answer)

    uvloop.run(main())


@pytest.mark.parametrize("status", [301, 401, 403, 404, 405, 500, 501])
def test_what_is_the_operators_fault_never_looks_like_the_clients(status: int) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, ScriptedEngine() as other:
            engine.default = Answer(status=status, error_message="key sk-secret is wrong")
            async with gateway(Backend(engine, name="a"), Backend(other, name="b")) as g:
                answer = await g.post(CHAT)
                rejects_us = status in (401, 403, 404, 405, 501)
                code = "engine_rejected" if rejects_us else "engine_failed"
                assert (answer.status, error_of(answer)["code"]) == (502, code)
                assert answer.headers["x-should-retry"] == str(not rejects_us).lower()
                assert b"sk-secret" not in answer.body
                assert KEY_A.encode() not in answer.body

    uvloop.run(main())


def test_a_whole_answer_beyond_the_limit_is_given_up_and_is_not_free() -> None:
    async def main() -> None:
        setup = Setup(limits=CallLimits(answer_bytes_max=100))
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            answer = await g.post(CHAT)
            assert (answer.status, error_of(answer)["code"]) == (502, "answer_too_large")
            assert answer.headers["x-should-retry"] == "false"
            (record,) = await g.ended(1)
            assert record["units"] == record["input_tokens"] * 10 + CHAT["max_tokens"] * 20
            assert record["output_tokens"] == 0, "nobody knows how many, so none is billed"
            assert record["usage_is_estimate"]

    uvloop.run(main())


def test_a_json_answer_to_a_stream_is_passed_on_whole() -> None:
    async def main() -> None:
        body = b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(raw=head + body)
            assert (await g.post(STREAM)).body == body
            assert (await g.ended(1))[0]["output_tokens"] == 2
            engine.default = Answer(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno")
            assert (await g.post(CHAT)).status == 502

    uvloop.run(main())


def test_a_whole_answer_that_takes_too_long_is_not_free() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=IMPATIENT) as g:
            engine.default = Answer(gated=True)
            assert (await g.post(CHAT)).status == 504
            (record,) = await g.ended(1)
            assert record["usage_is_estimate"]
            expected_units = record["input_tokens"] * 10 + CHAT["max_tokens"] * 20
            assert record["units"] == expected_units, "the engine was at work on it"
            assert record["output_tokens"] == 0, "nobody knows how many, so none is billed"

    uvloop.run(main())


@pytest.mark.parametrize("asked", [CHAT, STREAM])
def test_a_hung_engine_is_504_and_its_connection_is_closed(asked: object) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=IMPATIENT) as g:
            engine.default = Answer(hang_before_head=True)
            answer = await g.post(asked)
            assert (answer.status, error_of(answer)["code"]) == (504, "engine_timeout")
            await engine.requests[0].closed_by_client.wait()

    uvloop.run(main())


def test_a_refusal_inside_a_stream_is_the_clients_and_is_not_tried_twice() -> None:
    """vLLM answers 200 and then says that the request was bad."""
    said = "logprobs of 99 is too much"
    error = {"message": said, "type": "BadRequestError", "param": "logprobs", "code": 400}
    body = b"data: " + json.dumps({"error": error}).encode() + b"\n\ndata: [DONE]\n\n"

    async def main() -> None:
        async with ScriptedEngine() as engine, ScriptedEngine() as other:
            engine.default = other.default = Answer(sse=body)
            async with gateway(Backend(engine, name="a"), Backend(other, name="b")) as g:
                answer = await g.post({**CHAT, "stream": True, "logprobs": 99})
                assert answer.status == 400
                assert "logprobs" in error_of(answer)["message"]
                assert answer.headers["x-should-retry"] == "false"
                (record,) = await g.ended(1)
                assert (record["outcome"], record["dispatches"]) == (Outcome.REFUSED_BY_ENGINE, 1)
                assert record["units"] == 0

    uvloop.run(main())


@pytest.mark.parametrize("code", [401, 404, 429, 500, "400", None, True])
def test_any_other_error_inside_a_stream_is_the_engines(code: object) -> None:
    body = b"data: " + json.dumps({"error": {"message": "no", "code": code}}).encode() + b"\n\n"

    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(sse=body)
            assert (await g.post({**CHAT, "stream": True})).status == 502

    uvloop.run(main())


def test_a_refusal_after_the_answer_has_begun_ends_the_stream_with_an_error() -> None:
    begun = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
    refusal = b'data: {"error":{"message":"no","code":400}}\n\ndata: [DONE]\n\n'

    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(sse=begun + refusal)
            stream = await g.stream({**CHAT, "stream": True})
            events = await stream.events()
            assert len(events) == 2, "no [DONE]"
            assert json.loads(events[-1])["error"]["code"] == "engine_failed"
            await stream.close()
            (record,) = await g.ended(1)
            assert (record["outcome"], record["output_tokens"]) == (Outcome.ENGINE_FAILED, 1)

    uvloop.run(main())
