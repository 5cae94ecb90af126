"""When a request is sent a second time: a reused connection was dead, and at no other time."""

import asyncio

import pytest

from evenhand.engines.http import Lost
from support.answer_log import AnswerLog
from support.engine_and_client import chat, chat_to_end, engine_and_client
from support.on_loop import run_on_loop
from support.scripted_engine import Answer


def test_a_stale_connection_costs_a_second_send_on_a_new_one() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            # Two idle connections, both to be found dead: the second send must take neither.
            engine.default = Answer(gated=True, tokens=1)
            logs = [AnswerLog(), AnswerLog()]
            for log in logs:
                chat(client, log)
            await engine.received(2)
            for request in engine.requests:
                request.release()
            await asyncio.gather(*(log.ended() for log in logs))
            assert client.idle_connections == 2
            engine.script(Answer(cut_after_bytes=0), Answer(tokens=3))
            log = AnswerLog()
            attempt = chat(client, log, user="same")
            await log.ended()
            assert log.complete
            assert attempt.sends == 2
            assert [request.json["user"] for request in engine.requests[2:]] == ["same"] * 2
            assert engine.requests[2].connection < engine.requests[3].connection == 3

    run_on_loop(main)


@pytest.mark.parametrize("reset", [True, False])
def test_the_second_send_is_the_last(*, reset: bool) -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            await chat_to_end(client)
            engine.default = Answer(cut_after_bytes=0, reset=reset)
            log = AnswerLog()
            attempt = chat(client, log)
            await log.ended()
            assert (log.lost, attempt.sends, len(engine.requests)) == (Lost.CLOSED, 2, 3)

    run_on_loop(main)


def test_a_second_send_can_be_forbidden() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            await chat_to_end(client)
            engine.script(Answer(cut_after_bytes=0))
            log = AnswerLog()
            attempt = chat(client, log, sends_max=1)
            await log.ended()
            assert (log.lost, attempt.sends, len(engine.requests)) == (Lost.CLOSED, 1, 2)
            first, second = engine.requests
            assert second.connection != first.connection, "a kept one might be stale"

    run_on_loop(main)


def test_nothing_is_sent_again_on_account_of_a_new_connection() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(cut_after_bytes=0)
            log = AnswerLog()
            attempt = chat(client, log)
            await log.ended()
            assert (log.lost, attempt.sends, len(engine.requests)) == (Lost.CLOSED, 1, 1)

    run_on_loop(main)


def test_nothing_is_sent_again_after_a_byte_of_the_answer() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            await chat_to_end(client)
            engine.script(Answer(cut_after_bytes=1, reset=False))
            log = AnswerLog()
            attempt = chat(client, log)
            await log.ended()
            assert (log.lost, attempt.sends, len(engine.requests)) == (Lost.CLOSED, 1, 2)

    run_on_loop(main)


def test_nothing_is_sent_again_to_an_engine_that_died_while_working() -> None:
    async def main() -> None:
        async with engine_and_client(stale_ms_max=1) as (engine, client):
            await chat_to_end(client)
            engine.script(Answer(hang_before_head=True))
            log = AnswerLog()
            attempt = chat(client, log)
            await engine.received(2)
            await asyncio.sleep(0.005)  # the age of the request is what is tested
            await engine.crash()
            await log.ended()
            assert (log.lost, attempt.sends) == (Lost.CLOSED, 1)

    run_on_loop(main)


def test_an_engine_that_closes_after_every_stream_and_promises_not_to_fails_nobody() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(closes_after=True)
            for _ in range(50):
                assert (await chat_to_end(client)).complete
            # However the close and the next write race, nothing is lost and nothing done twice.
            assert len([request for request in engine.requests if request.answered.is_set()]) == 50

    run_on_loop(main)
