"""An engine that hangs, fails or asks for a pause gets no requests for a while, then one to try."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
import uvloop

from evenhand.engines.circuit import CircuitSettings, CircuitState, Opening
from evenhand.engines.http import ClientSettings
from evenhand.model import EngineName, EngineReport, Outcome
from support.gateway import (
    CHAT,
    KEY_A,
    KEY_B,
    STREAM,
    Backend,
    RunningGateway,
    Setup,
    becomes,
    error_of,
    gateway,
    identity,
)
from support.scripted_engine import Answer, ScriptedEngine

QUICK = CircuitSettings(backoff_min_ms=20, backoff_max_ms=80, quarantine_min_ms=40)
STAYS_OPEN = CircuitSettings(backoff_min_ms=60_000, backoff_max_ms=60_000)
SILENCE = ClientSettings(first_byte_timeout_ms=60, silence_timeout_ms=60)


def state(g: RunningGateway, engine: str) -> tuple[CircuitState, Opening | None]:
    circuit = g.dispatcher.engines[EngineName(engine)].circuit
    return circuit.state, circuit.because


async def is_closed(g: RunningGateway, engine: str) -> None:
    await becomes(lambda: state(g, engine)[0] is CircuitState.CLOSED)


@pytest.mark.parametrize("asked", [CHAT, STREAM])
@pytest.mark.parametrize("hanging", [Answer(hang_before_head=True), Answer(hang_after_tokens=0)])
def test_a_hung_engine_is_left_alone_after_its_first_timeout(
    asked: Mapping[str, Any], hanging: Answer
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as hung, ScriptedEngine() as good:
            hung.default = hanging
            backends = (
                Backend(hung, name="a", window=9, circuit=STAYS_OPEN),
                Backend(good, name="b", window=9),
            )
            async with gateway(*backends, setup=Setup(client=SILENCE)) as g:
                await g.post(asked)
                assert (await g.ended(1))[0]["outcome"] is Outcome.ENGINE_TIMEOUT
                assert state(g, "a") == (CircuitState.OPEN, Opening.HUNG)
                for _ in range(20):
                    assert (await g.post(asked)).status == 200
                assert len(hung.requests) == 1

    uvloop.run(main())


def test_a_stream_that_falls_silent_opens_it_although_it_had_answered() -> None:
    async def main() -> None:
        async with ScriptedEngine() as hung:
            hung.default = Answer(hang_after_tokens=2)
            backend = Backend(hung, name="a", circuit=STAYS_OPEN)
            async with gateway(backend, setup=Setup(client=SILENCE)) as g:
                stream = await g.stream(STREAM)
                answer = await stream.answer()
                assert b"engine_timeout" in answer.body
                assert state(g, "a") == (CircuitState.OPEN, Opening.HUNG)

    uvloop.run(main())


def test_one_slow_request_among_others_that_are_answered_opens_nothing() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.script(Answer(gated=True), Answer(hang_before_head=True))
            limits = ClientSettings(first_byte_timeout_ms=300)
            backend = Backend(engine, name="a", circuit=STAYS_OPEN)
            async with gateway(backend, setup=Setup(client=limits)) as g:
                other = await g.stream(STREAM)
                first = await engine.received(1)
                first.step()
                slow = await g.stream(STREAM)
                await engine.received(2)
                first.step()
                assert (await slow.answer()).status == 504
                assert state(g, "a") == (CircuitState.CLOSED, None)
                first.release()
                assert (await other.answer()).status == 200

    uvloop.run(main())


def test_who_waits_for_a_hung_engine_ends_by_its_own_limit() -> None:
    async def main() -> None:
        async with ScriptedEngine() as hung:
            hung.default = Answer(hang_before_head=True)
            backend = Backend(hung, name="a", window=1, circuit=STAYS_OPEN)
            keys = {KEY_A: identity("a", queue_wait_ms_max=300)}
            async with gateway(backend, setup=Setup(client=SILENCE, keys=keys)) as g:
                waiting = [await g.stream(CHAT) for _ in range(4)]
                statuses = [(await stream.answer()).status for stream in waiting]
                late = await g.post(CHAT)
                assert [*statuses, late.status] == [504] * 5
                outcomes = [record["outcome"] for record in await g.ended(5)]
                assert outcomes.count(Outcome.ENGINE_TIMEOUT) == 1
                assert outcomes.count(Outcome.QUEUED_TOO_LONG) == 4
                assert len(hung.requests) == 1

    uvloop.run(main())


def test_one_request_tries_a_hung_engine_and_the_rest_follow_when_it_is_answered() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.script(Answer(hang_before_head=True), Answer(gated=True))
            backend = Backend(engine, name="a", window=4, circuit=QUICK)
            async with gateway(backend, setup=Setup(client=SILENCE)) as g:
                assert (await g.post(STREAM)).status == 504
                waiting = [await g.stream(STREAM) for _ in range(4)]
                trial = await engine.received(2)
                await becomes(lambda: g.scheduler.backlog.requests == 3)
                for _ in range(20):
                    await asyncio.sleep(0.001)
                    assert engine.running == 1, "one at a time"
                trial.release()
                assert [(await stream.answer()).status for stream in waiting] == [200] * 4
                assert engine.running_max >= 2
                assert state(g, "a") == (CircuitState.CLOSED, None)

    uvloop.run(main())


def test_trials_that_fail_cost_one_request_each_and_the_others_go_on_waiting() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.script(*[Answer(status=500)] * 7)
            backend = Backend(engine, name="a", window=1, circuit=QUICK)
            async with gateway(backend) as g:
                streams = [await g.stream(CHAT) for _ in range(10)]
                statuses = [(await stream.answer()).status for stream in streams]
                assert statuses.count(502) == 7, "five that opened it, two trials"
                assert statuses.count(200) == 3
                assert g.dispatcher.engines[EngineName("a")].circuit.openings[Opening.FAILING] == 3

    uvloop.run(main())


def test_a_failing_engine_no_longer_swallows_what_another_could_serve() -> None:
    async def main() -> None:
        async with ScriptedEngine() as bad, ScriptedEngine() as good:
            bad.default = Answer(status=500)
            good.default = Answer(token_delay_s=0.002)
            backends = (
                Backend(bad, name="a", window=4, circuit=STAYS_OPEN),
                Backend(good, name="b", window=4),
            )
            async with gateway(*backends) as g:
                streams = [await g.stream(CHAT) for _ in range(40)]
                statuses = [(await stream.answer()).status for stream in streams]
                assert 5 <= statuses.count(502) <= 8, "those that opened it, and those beside them"
                assert state(g, "a") == (CircuitState.OPEN, Opening.FAILING)

    uvloop.run(main())


def test_a_tenant_whose_requests_fail_cannot_take_the_engine_from_another() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            backend = Backend(engine, name="a", circuit=STAYS_OPEN)
            async with gateway(backend) as g:
                for _ in range(10):
                    engine.script(Answer(), *[Answer(status=500)] * 4)
                    assert (await g.post(CHAT, key=KEY_B)).status == 200
                    for _ in range(4):
                        assert (await g.post(CHAT, key=KEY_A)).status == 502
                assert state(g, "a") == (CircuitState.CLOSED, None)

    uvloop.run(main())


def test_a_request_that_the_engine_refuses_says_nothing_of_the_engine() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(status=400)
            async with gateway(Backend(engine, name="a", circuit=STAYS_OPEN)) as g:
                for _ in range(12):
                    assert (await g.post(CHAT)).status == 400
                assert state(g, "a") == (CircuitState.CLOSED, None)

    uvloop.run(main())


@pytest.mark.parametrize("status", [429, 503])
def test_an_engine_that_says_when_to_come_back_is_left_alone_till_then(status: int) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, ScriptedEngine() as other:
            engine.script(Answer(status=status, headers=(("Retry-After", "1"),)))
            backends = (
                Backend(engine, name="a", window=9, circuit=QUICK),
                Backend(other, name="b", window=9),
            )
            async with gateway(*backends) as g:
                assert (await g.post(CHAT)).status == 200, "elsewhere"
                assert state(g, "a") == (CircuitState.OPEN, Opening.BUSY)
                for _ in range(5):
                    assert (await g.post(CHAT)).status == 200
                assert len(engine.requests) == 1
                g.set_up("b", is_up=False)
                assert (await g.post(CHAT)).status == 200, "it waited for the time to come"
                assert state(g, "a") == (CircuitState.CLOSED, None)
                assert len(engine.requests) == 2

    uvloop.run(main())


def test_what_runs_on_an_engine_that_wants_no_more_ends_there() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.script(Answer(gated=True), Answer(status=503, headers=(("Retry-After", "20"),)))
            async with gateway(Backend(engine, name="a", circuit=QUICK)) as g:
                running = await g.stream(STREAM)
                first = await engine.received(1)
                refused = await g.post(CHAT)
                assert (refused.status, error_of(refused)["code"]) == (502, "engine_failed")
                first.release()
                assert (await running.answer()).status == 200
                assert state(g, "a") == (CircuitState.OPEN, Opening.BUSY)

    uvloop.run(main())


def test_a_trial_whose_client_leaves_is_followed_by_another() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.script(
                *[Answer(hang_before_head=True)] * 2,
            )
            backend = Backend(engine, name="a", circuit=QUICK)
            async with gateway(backend, setup=Setup(client=SILENCE)) as g:
                assert (await g.post(STREAM)).status == 504
                leaving = await g.stream(STREAM)
                await engine.received(2)
                await leaving.close()
                assert (await g.post(STREAM)).status == 200
                await is_closed(g, "a")

    uvloop.run(main())


def test_an_engine_that_tells_that_it_computes_is_not_hung_though_no_answer_comes() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(hang_before_head=True)
            limits = ClientSettings(first_byte_timeout_ms=200)
            backend = Backend(engine, name="a", circuit=STAYS_OPEN)
            async with gateway(backend, setup=Setup(client=limits)) as g:
                allowances, link = g.dispatcher.allowances, g.dispatcher.engines[EngineName("a")]
                stream = await g.stream(CHAT)
                await engine.received(1)
                await asyncio.sleep(0.005)
                for tokens in (10, 20):
                    report = EngineReport(output_tokens=tokens)
                    allowances.reported(link, report, g.dispatcher.now_ms())
                assert (await stream.answer()).status == 504
                assert state(g, "a") == (CircuitState.CLOSED, None)
                for _ in range(2):
                    allowances.reported(link, report, g.dispatcher.now_ms())
                assert (await g.post(CHAT)).status == 504
                assert state(g, "a") == (CircuitState.OPEN, Opening.HUNG)

    uvloop.run(main())
