"""What passes through the gateway, and what does not."""

import json

import uvloop

from evenhand.model import Outcome
from support.gateway import KEY_A, Backend, gateway
from support.scripted_engine import Answer, ScriptedEngine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}


def test_a_whole_answer_is_passed_on_and_settled() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(tokens=5, prompt_tokens=9, cached_tokens=4)
            answer = await g.post(CHAT | {"unknown": {"kept": [1, 2.5]}, "user": "forged"})
            assert answer.status == 200
            assert answer.json["usage"]["completion_tokens"] == 5
            sent = engine.requests[0]
            assert sent.json == CHAT | {"unknown": {"kept": [1, 2.5]}}
            assert sent.header("authorization") is None, "the client's key stays here"
            assert KEY_A not in str(sent.headers)
            assert sent.header("x-request-id") == answer.headers["x-request-id"]
            (record,) = await g.ended(1)
            assert record["outcome"] is Outcome.COMPLETED
            assert record["units"] == 5 * 10 + 4 * 1 + 5 * 20

    uvloop.run(main())


def test_a_stream_is_passed_on_event_by_event_without_what_was_not_asked_for() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(tokens=3, prompt_tokens=9, gated=True)
            stream = await g.stream(CHAT | {"stream": True})
            request = await engine.received(1)
            assert request.json["stream_options"] == {
                "include_usage": True,
                "continuous_usage_stats": True,
            }
            request.release()
            events = await stream.events()
            assert events[-1] == b"[DONE]"
            assert all("usage" not in json.loads(event) for event in events[:-1])
            assert all(json.loads(event)["choices"] for event in events[:-1])
            (record,) = await g.ended(1)
            assert record["output_tokens"] == 3
            assert not record["usage_is_estimate"]
            await stream.close()

    uvloop.run(main())
