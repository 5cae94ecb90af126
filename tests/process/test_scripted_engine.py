"""The scripted engine does what its scripts say, so that other tests may trust it."""

import json
from typing import Any

import pytest

from support.answer_log import AnswerLog
from support.bad_sse import BAD_SSE, long_line
from support.engine_and_client import chat, chat_to_end, engine_and_client
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, Usage

REPORTED = {"include_usage": True, "continuous_usage_stats": True}


def events(log: AnswerLog) -> list[dict[str, Any]]:
    lines = log.body.decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


def completion_tokens(log: AnswerLog) -> list[int | None]:
    reports = [event["usage"] for event in events(log) if "usage" in event]
    return [report.get("completion_tokens") for report in reports]


def test_a_stream_brings_each_token_of_each_choice_and_its_usage_once() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(tokens=9, cached_tokens=1)
            log = await chat_to_end(
                client,
                n=2,
                max_tokens=3,
                messages=[{"role": "user", "content": "four words of prompt"}],
                stream_options={"include_usage": True},
            )
            heard = events(log)
            texts = [c["delta"].get("content") for e in heard for c in e["choices"]]
            assert [text for text in texts if text] == ["w0 ", "w0 ", "w1 ", "w1 ", "w2 ", "w2 "]
            assert engine.requests[0].tokens_produced == 6
            assert heard[-2]["choices"][0]["finish_reason"] == "length"
            assert [event["usage"] for event in heard if "usage" in event] == [
                {
                    "prompt_tokens": 4,
                    "completion_tokens": 6,
                    "total_tokens": 10,
                    "prompt_tokens_details": {"cached_tokens": 1},
                }
            ]

    run_on_loop(main)


def test_a_whole_answer_counts_the_same() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            log = AnswerLog()
            client.post("/v1/completions", b'{"prompt":"a b","n":2}', [], log)
            answer = json.loads((await log.ended()).body)
            assert [choice["text"] for choice in answer["choices"]] == ["w0 w1 w2 w3 "] * 2
            usage = {"prompt_tokens": 2, "completion_tokens": 8, "total_tokens": 10}
            assert answer["usage"] == usage
            assert engine.requests[0].tokens_produced == 8

    run_on_loop(main)


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (Usage.HONEST, [0, 1, 2, 3, 3, 3]),
        (Usage.ABSENT, []),
        (Usage.EARLY, [3, 3, 2, 3, 3, 3]),
        (Usage.DECREASING, [3, 2, 1, 0, 0, 0]),
        (Usage.NEGATIVE, [-1, -2, -3, -4, -4, -4]),
        (Usage.PARTIAL, [None] * 6),
    ],
)
def test_usage_is_reported_as_scripted(usage: Usage, counts: list[int | None]) -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(tokens=3, usage=usage)
            assert completion_tokens(await chat_to_end(client, stream_options=REPORTED)) == counts
            assert completion_tokens(await chat_to_end(client)) == []

    run_on_loop(main)


def test_an_engine_without_continuous_usage_reports_it_at_the_end() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(tokens=3, continuous_usage=False)
            assert completion_tokens(await chat_to_end(client, stream_options=REPORTED)) == [3]

    run_on_loop(main)


def test_bodies_are_sent_word_for_word() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            for name, sse in {**BAD_SSE, "long line": long_line()}.items():
                engine.script(Answer(sse=sse))
                log = await chat_to_end(client)
                assert log.body == sse, name
                assert log.complete

    run_on_loop(main)


def test_a_cut_after_tokens_leaves_exactly_these() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(tokens=5, cut_after_tokens=2, reset=False)
            log = await chat_to_end(client)
            assert log.lost
            assert b"w1 " in log.body
            assert b"w2 " not in log.body
            assert engine.requests[0].tokens_produced == 2
            assert not engine.requests[0].answered.is_set()

    run_on_loop(main)


def test_requests_that_run_at_once_are_counted() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(gated=True)
            logs = [AnswerLog() for _ in range(3)]
            for log in logs:
                chat(client, log)
            await engine.received(3)
            assert engine.running == 3
            for request, log in zip(engine.requests, logs, strict=True):
                request.release()
                await log.ended()
            for request in engine.requests:
                await request.answered.wait()
            assert engine.running_max == 3

    run_on_loop(main)
