"""Embeddings through the real gateway: charged by input, bounded, and retried like the rest."""

import json
from typing import Any

import pytest

from evenhand.gateway.settings import CallLimits
from evenhand.model import Outcome
from evenhand.wire.dialect import EngineKind
from support.gateway import CHAT, KEY_A, Backend, Setup, becomes, error_of, gateway, identity
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine, Usage

PATH = "/v1/embeddings"
ASK: dict[str, Any] = {"model": "m", "input": ["hello there", "you"]}


def tokens(record: dict[str, Any]) -> tuple[int, int, int]:
    return record["input_tokens"], record["cached_input_tokens"], record["output_tokens"]


@pytest.mark.parametrize("kind", list(EngineKind))
def test_what_the_engine_reports_is_charged_for_all_inputs_together(kind: EngineKind) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, kind)) as g:
            engine.default = Answer(prompt_tokens=50, cached_tokens=30)
            answer = await g.post(ASK, path=PATH)
            assert answer.status == 200
            assert [row["index"] for row in answer.json["data"]] == [0, 1]
            assert (engine.requests[0].path, engine.requests[0].json) == (PATH, ASK)
            (record,) = await g.ended(1)
            assert record["path"] == PATH
            assert record["outcome"] is Outcome.COMPLETED
            assert tokens(record) == (50, 30, 0)
            assert record["units"] == 20 * 10 + 30 * 1
            assert not record["usage_is_estimate"]

    run_on_loop(main)


@pytest.mark.parametrize(("value", "estimate"), [([[1, 2, 3], [4]], 4), ("x" * 398, 100)])
def test_while_it_runs_and_without_a_report_the_estimate_is_charged(
    value: Any, estimate: int
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.script(Answer(hang_before_head=True), Answer(usage=Usage.ABSENT))
            stream = await g.stream(ASK | {"input": value}, path=PATH)
            await engine.received(1)
            assert g.scheduler.open_units() == estimate * 10, "and no output is predicted"
            await stream.close()
            await becomes(lambda: g.records)
            assert (await g.post(ASK | {"input": value}, path=PATH)).status == 200
            left, unreported = await g.ended(2)
            assert left["outcome"] is Outcome.CANCELLED_RUNNING
            for record in (left, unreported):
                assert tokens(record) == (estimate, 0, 0)
                assert record["usage_is_estimate"]

    run_on_loop(main)


def test_a_batch_is_not_a_choice_and_has_a_limit_of_its_own() -> None:
    async def main() -> None:
        limits = CallLimits(choices_max=1, embedding_inputs_max=100)
        keys = {KEY_A: identity("a", output_tokens_max=5)}
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=Setup(keys=keys, limits=limits)) as g,
        ):
            for inputs in (["hello"] * 100, [[1]] * 100, [1] * 101):
                assert (await g.post(ASK | {"input": inputs}, path=PATH)).status == 200
            for inputs in (["hello"] * 101, [[1]] * 101):
                answer = await g.post(ASK | {"input": inputs}, path=PATH)
                error = error_of(answer)
                assert (answer.status, error["code"]) == (400, "bad_request")
                assert error["param"] == "input"
                assert "101 inputs" in error["message"]
            assert len(engine.requests) == 3

    run_on_loop(main)


@pytest.mark.parametrize(
    ("more", "param"),
    [({"stream": True}, "stream"), ({"input": []}, "input"), ({"n": 9}, "n")],
)
def test_a_bad_body_is_refused_before_any_engine(more: dict[str, Any], param: str) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            answer = await g.post(ASK | more, path=PATH)
            assert (answer.status, error_of(answer)["param"]) == (400, param)
            assert not engine.requests

    run_on_loop(main)


def test_an_answer_beyond_the_limit_is_not_passed_on_and_its_input_is_charged() -> None:
    async def main() -> None:
        setup = Setup(limits=CallLimits(answer_bytes_max=10_000))
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            assert (await g.post(ASK | {"dimensions": 100}, path=PATH)).status == 200
            answer = await g.post(ASK | {"dimensions": 4096}, path=PATH)
            assert (answer.status, error_of(answer)["code"]) == (502, "answer_too_large")
            record = (await g.ended(2))[1]
            assert record["units"] > 0
            assert record["output_tokens"] == 0

    run_on_loop(main)


@pytest.mark.parametrize("failure", [Answer(status=503), Answer(cut_after_bytes=60)])
def test_an_engine_that_fails_is_replaced(failure: Answer) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as first,
            ScriptedEngine() as second,
            gateway(Backend(first), Backend(second)) as g,
        ):
            first.default = failure
            answer = await g.post(ASK, path=PATH)
            assert answer.status == 200
            assert second.requests[0].json == ASK
            (record,) = await g.ended(1)
            assert (record["dispatches"], record["engine"]) == (2, "e1")
            assert tokens(record) == (3, 0, 0)

    run_on_loop(main)


@pytest.mark.parametrize("vector", [[0.5, 1], "AAAAPw==", [[0.5], [1]], None, {"a": [1]}])
def test_usage_is_read_whatever_the_vectors_look_like(vector: Any) -> None:
    async def main() -> None:
        data = [{"index": 0, "embedding": vector}, {"index": 1, "embedding": vector}]
        body = json.dumps({"data": data, "usage": {"prompt_tokens": 7}}).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(raw=head + body)
            assert (await g.post(ASK, path=PATH)).body == body
            (record,) = await g.ended(1)
            assert tokens(record) == (7, 0, 0)

    run_on_loop(main)


def test_an_engines_refusal_is_the_clients() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(status=400, error_message="The model embeds nothing.")
            answer = await g.post(ASK, path=PATH)
            assert (answer.status, answer.json["error"]["message"]) == (
                400,
                "The model embeds nothing.",
            )
            (record,) = await g.ended(1)
            assert record["units"] == 0

    run_on_loop(main)


def test_embeddings_do_not_change_what_completions_are_expected_to_cost() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(tokens=100)
            unbounded = {key: value for key, value in CHAT.items() if key != "max_tokens"}
            await g.post(unbounded)
            for _ in range(9):
                await g.post(ASK, path=PATH)
            engine.default = Answer(hang_before_head=True)
            stream = await g.stream(unbounded)
            await engine.received(11)
            (call,) = g.gateway.calls
            assert g.scheduler.expected_usage(call._id).output_tokens == 100
            await stream.close()

    run_on_loop(main)
