"""The official `openai` SDK's `responses` against the real gateway: what is told, charged, refused."""

import json
from typing import Any

import openai
import pytest

from evenhand.gateway.settings import CallLimits
from evenhand.ledger import Budget
from evenhand.model import EngineName, Outcome
from evenhand.wire.api_name import ApiName
from evenhand.wire.dialect import EngineKind
from support.gateway import KEY_A, Backend, Setup, becomes, gateway, identity
from support.on_loop import run_on_loop
from support.openai_sdk import sdk
from support.raw_http import RawStream
from support.scripted_engine import Answer, ScriptedEngine, Usage

ASK: dict[str, Any] = {"model": "m", "input": "hello there"}
TOOL: Any = {"type": "function", "name": "look", "parameters": {"type": "object"}}
PATH = "/v1/responses"


def used(record: dict[str, Any]) -> tuple[Any, ...]:
    """Input, cached input, output, and whether that is an estimate."""
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "usage_is_estimate")
    return tuple(record[name] for name in names)


def test_a_response_is_answered_and_its_usage_is_the_ledgers() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            engine.default = Answer(tokens=3, cached_tokens=1)
            answer = await s.client.responses.create(**ASK, max_output_tokens=9, user="x")
            assert answer.output_text == "w0 w1 w2 "
            assert answer.usage is not None
            assert answer.usage.input_tokens_details.cached_tokens == 1
            record = (await g.ended(1))[0]
            assert used(record) == (2, 1, 3, False)
            assert record["reasoning_tokens"] == 1
            assert (record["path"], answer._request_id) == (PATH, record["request_id"])
            sent = engine.requests[0].json
            assert (sent["input"], sent["store"]) == ("hello there", False)
            assert sent.keys().isdisjoint({"user", "stream_options"})

    run_on_loop(main)


def test_a_stream_has_all_its_events_and_no_done() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            engine.default = Answer(tokens=4, cached_tokens=1)
            events = [e async for e in await s.client.responses.create(**ASK, stream=True)]
            assert [e.type for e in events if not e.type.endswith("delta")] == [
                *("response.created", "response.in_progress", "response.output_item.added"),
                *("response.content_part.added", "response.output_text.done"),
                *("response.output_item.done", "response.completed"),
            ]
            assert [e.sequence_number for e in events] == list(range(len(events)))
            async with s.client.responses.stream(**ASK) as stream:
                final = await stream.get_final_response()
            assert final.output_text == "w0 w1 w2 w3 "
            raw = await g.stream({**ASK, "stream": True}, path=PATH)
            assert b"[DONE]" not in b"".join(await raw.events())
            assert raw.is_whole
            assert [used(record) for record in await g.ended(3)] == [(2, 1, 4, False)] * 3

    run_on_loop(main)


def test_tools_that_the_client_runs_are_called() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            engine.default = Answer(tokens=5, tool="look")
            answer = await s.client.responses.create(**ASK, tools=[TOOL])
            call = answer.output[0]
            assert call.type == "function_call"
            assert json.loads(call.arguments) == {"a": "w2 w3 w4 "}
            async with s.client.responses.stream(**ASK, tools=[TOOL]) as stream:
                kinds = [event.type async for event in stream]
            assert kinds.count("response.function_call_arguments.delta") == 5
            with pytest.raises(openai.BadRequestError, match="run yourself"):
                await s.client.responses.create(**ASK, tools=[{"type": "web_search"}])
            assert [used(record)[2] for record in (await g.ended(3))[:2]] == [5, 5]

    run_on_loop(main)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"store": 1}, "store"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": True}, "max_output_tokens"),
        ({"max_output_tokens": 10**9}, "max_tokens"),
        ({"max_tokens": 5}, "max_tokens"),
        ({"n_predict": 5}, "n_predict"),
        ({"n": 2}, "n"),
        ({"n": True}, "n"),
        ({"stream": 1}, "stream"),
        ({"input": ""}, "input"),
        ({"input": 7}, "input"),
        ({"messages": []}, "messages"),
        ({"tools": {}}, "tools"),
        ({"tools": [7]}, "tools"),
        ({"Store": True}, "Store"),
        ({"model": None}, "model"),
    ],
)
def test_what_could_not_be_counted_or_kept_is_refused(body: dict[str, Any], param: str) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            answer = await g.post({**ASK, **body}, path=PATH)
            assert answer.status == 400
            assert answer.json["error"]["param"] == param
            assert engine.requests == []
            await g.ended(1)

    run_on_loop(main)


async def text_until(stream: RawStream, deltas: int) -> None:
    while deltas:
        event = await stream.event()
        assert event is not None
        deltas -= b"output_text.delta" in event


def test_a_client_that_leaves_is_charged_for_what_came() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(tokens=50, gated=True)
            stream = await g.stream({**ASK, "stream": True}, path=PATH)
            request = await engine.received(1)
            request.step(3)
            await text_until(stream, 3)
            stream.leave()
            await request.closed_by_client.wait()
            record = (await g.ended(1))[0]
            assert record["outcome"] == Outcome.CANCELLED_RUNNING
            assert used(record)[2:] == (3, True)

    run_on_loop(main)


def failed(message: str) -> bytes:
    error = {"code": "server_error", "message": message}
    response = {"id": "r", "status": "failed", "error": error}
    event = {"type": "response.failed", "sequence_number": 9, "response": response}
    return f"event: response.failed\ndata: {json.dumps(event)}\n\n".encode()


@pytest.mark.parametrize("how", ["failed", "cut", "ended"])
def test_a_stream_that_breaks_off_raises_in_the_sdk(how: str) -> None:
    delta = {"type": "response.output_text.delta", "delta": "a", "sequence_number": 1}
    text = f"event: response.output_text.delta\ndata: {json.dumps(delta)}\n\n".encode()
    answers = {
        "failed": Answer(sse=text + failed("out of memory")),
        "cut": Answer(tokens=5, cut_after_tokens=1),
        "ended": Answer(sse=text),
    }

    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            engine.default = answers[how]
            with pytest.raises(openai.APIError, match="engine"):
                async for _ in await s.client.responses.create(**ASK, stream=True):
                    pass
            record = (await g.ended(1))[0]
            assert record["outcome"] == Outcome.ENGINE_FAILED
            assert used(record)[2:] == (1, True)

    run_on_loop(main)


@pytest.mark.parametrize("space", ["", " "])
@pytest.mark.parametrize("lie", [{"id": "resp_2"}, {"model": "other"}])
def test_an_engine_that_mixes_up_its_answers_is_found_out(lie: dict[str, str], space: str) -> None:
    def told(kind: str, **more: Any) -> bytes:
        response = {"id": "resp_1", "model": "m", "output": [], **more}
        event = {"type": f"response.{kind}", "sequence_number": 1, "response": response}
        data = json.dumps(event, separators=(",", f":{space}"))
        return f"event: response.{kind}\ndata:{space}{data}\n\n".encode()

    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            sound = told("created") + told("in_progress") + told("completed")
            engine.script(Answer(sse=sound), Answer(sse=told("created") + told("completed", **lie)))
            for _ in range(2):
                stream = await g.stream({**ASK, "stream": True}, path=PATH)
                last = (await stream.events())[-1]
            assert b"mixed up its answers" in last
            outcomes = [record["outcome"] for record in await g.ended(2)]
            assert outcomes == [Outcome.COMPLETED, Outcome.ENGINE_FAILED]

    run_on_loop(main)


def test_a_failure_before_the_first_byte_is_tried_elsewhere() -> None:
    async def main() -> None:
        async with ScriptedEngine() as bad, ScriptedEngine() as good:
            bad.default = Answer(status=503)
            async with gateway(Backend(bad), Backend(good)) as g, sdk(g, retries=0) as s:
                for _ in range(4):
                    answer = await s.client.responses.create(**ASK)
                    assert answer.output_text == "w0 w1 w2 w3 "
                assert s.requests == 4
                await g.ended(4)

    run_on_loop(main)


def test_an_engine_that_reports_nothing_is_counted_for() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(tokens=6, usage=Usage.ABSENT)
            await (await g.stream({**ASK, "stream": True}, path=PATH)).events()
            await g.post(ASK, path=PATH)
            streamed, whole = await g.ended(2)
            assert used(streamed)[2:] == (6, True)
            assert used(whole)[2:] == (5, True)  # 18 bytes

    run_on_loop(main)


def test_under_a_budget_every_answer_has_a_bound_and_none_is_free() -> None:
    async def main() -> None:
        setup = Setup(
            keys={KEY_A: identity("a", budget=Budget(tokens_max=200))},
            limits=CallLimits(output_tokens_default=50),
        )
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            engine.default = Answer(tokens=40)
            statuses = []
            for number in range(6):
                body = {**ASK, "stream": number % 2 == 0}
                statuses.append((await g.post(body, path=PATH)).status)
            assert {request.json["max_output_tokens"] for request in engine.requests} == {50}
            refused = statuses.index(429)
            assert statuses == [200] * refused + [429] * (6 - refused)
            assert refused >= 1
            records = await g.ended(6)
            spent = sum(r["input_tokens"] + r["output_tokens"] for r in records)
            assert spent == refused * 42
            assert spent <= 200

    run_on_loop(main)


def test_only_engines_that_speak_it_are_asked() -> None:
    async def main() -> None:
        async with ScriptedEngine() as mute, ScriptedEngine() as speaks, ScriptedEngine() as other:
            backends = (
                Backend(mute, kind=EngineKind.OPENAI),
                Backend(speaks),
                Backend(other, kind=EngineKind.OPENAI, models=("x",)),
            )
            async with gateway(*backends) as g:
                for _ in range(5):
                    assert (await g.post(ASK, path=PATH)).status == 200
                assert (len(mute.requests), len(speaks.requests)) == (0, 5)
                refused = await g.post({**ASK, "model": "x"}, path=PATH)
                assert refused.status == 404
                assert "/v1/chat/completions" in refused.json["error"]["message"]
                link = g.dispatcher.engines[EngineName("e1")]
                assert ApiName.RESPONSES in link.apis
                g.set_up("e1", is_up=False)
                down = await g.post(ASK, path=PATH)
                assert (down.status, down.json["error"]["code"]) == (503, "no_engine")
                assert len(mute.requests) == 0

    run_on_loop(main)


def test_who_waits_for_the_one_engine_does_not_hold_up_the_others() -> None:
    async def main() -> None:
        async with ScriptedEngine() as plain, ScriptedEngine() as speaks:
            backends = (Backend(plain, kind=EngineKind.OPENAI), Backend(speaks, window=1))
            async with gateway(*backends) as g:
                speaks.default = Answer(gated=True)
                first = await g.stream({**ASK, "stream": True}, path=PATH)
                request = await speaks.received(1)
                second = await g.stream({**ASK, "stream": True}, path=PATH)
                await becomes(lambda: g.scheduler.backlog.requests == 1)
                assert (await g.post({"model": "m", "messages": [{}]})).status == 200
                request.release()
                await first.events()
                (await speaks.received(2)).release()
                await second.events()
                assert len(await g.ended(3)) == 3

    run_on_loop(main)
