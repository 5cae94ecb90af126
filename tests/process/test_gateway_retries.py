"""An engine fails before the first byte: another is tried, once, and nobody pays for the first."""

import socket

import pytest
import uvloop

from evenhand.engines.http import ClientSettings
from evenhand.model import Outcome
from evenhand.wire.dialect import EngineKind
from support.gateway import CHAT, STREAM, Backend, Setup, becomes, error_of, gateway
from support.scripted_engine import Answer, ScriptedEngine


@pytest.mark.parametrize("asked", [CHAT, STREAM])
@pytest.mark.parametrize(
    "death",
    [
        Answer(cut_after_bytes=0),
        Answer(cut_after_bytes=0, reset=False),
        Answer(cut_after_bytes=20),
        Answer(raw=b"SSH-2.0-OpenSSH_9.9\r\n"),
        Answer(status=429),
        Answer(status=502),
        Answer(status=503),
        Answer(status=504),
    ],
)
def test_an_engine_that_fails_before_the_first_byte_is_replaced_once(
    asked: object, death: Answer
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as bad, ScriptedEngine() as good:
            bad.default = death
            good.default = Answer(tokens=5, prompt_tokens=9)
            backends = Backend(bad, name="a", window=9), Backend(good, name="b", window=9)
            async with gateway(*backends) as g:
                answer = await g.post(asked)
                assert answer.status == 200
                sent, again = bad.requests + good.requests
                assert sent.header("x-request-id") == again.header("x-request-id")
                assert sent.header("x-request-id") == answer.headers["x-request-id"]
                (record,) = await g.ended(1)
                assert (record["outcome"], record["dispatches"]) == (Outcome.COMPLETED, 2)
                assert record["units"] == 9 * 10 + 5 * 20, "nothing is left of the first charge"

    uvloop.run(main())


@pytest.mark.parametrize("asked", [CHAT, STREAM])
def test_two_dispatches_in_all_and_then_502(asked: object) -> None:
    async def main() -> None:
        async with ScriptedEngine() as a, ScriptedEngine() as b, ScriptedEngine() as c:
            for engine in (a, b, c):
                engine.default = Answer(cut_after_bytes=0)
            async with gateway(Backend(a), Backend(b), Backend(c)) as g:
                answer = await g.post(asked)
                assert (answer.status, error_of(answer)["code"]) == (502, "engine_failed")
                assert len(a.requests + b.requests + c.requests) == 2
                (record,) = await g.ended(1)
                assert (record["dispatches"], record["units"]) == (2, 0)

    uvloop.run(main())


@pytest.mark.parametrize("asked", [CHAT, STREAM])
def test_a_single_engine_that_fails_is_502_and_costs_nothing(asked: object) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            for failure in (Answer(cut_after_bytes=0), Answer(status=503), Answer(status=429)):
                engine.default = failure
                answer = await g.post(asked)
                assert answer.status == 502
                error_of(answer)
                assert answer.headers["x-should-retry"] == "true"
            assert all(r["units"] == 0 and r["dispatches"] == 1 for r in await g.ended(3))

    uvloop.run(main())


def test_an_engine_that_cannot_be_reached_is_reported_and_costs_no_dispatch() -> None:
    async def main() -> None:
        async with ScriptedEngine() as gone, ScriptedEngine() as good:
            backends = Backend(gone, name="a"), Backend(good, name="b")
            async with gateway(*backends) as g:
                told = []
                link = next(link for link in g.dispatcher.engines.values() if link.name == "a")
                link.report_unreachable = lambda: told.append(link.name)
                await gone.crash()
                assert (await g.post(CHAT)).status == 200
                assert told == ["a"]
                (record,) = await g.ended(1)
                assert (record["dispatches"], record["engine"]) == (1, "b")

    uvloop.run(main())


def test_an_engine_that_closes_after_every_answer_never_fails_a_request() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=2, closes_after=True)
            async with gateway(Backend(engine, EngineKind.LLAMACPP)) as g:
                for number in range(50):
                    answer = await g.post(STREAM if number % 2 else CHAT)
                    assert answer.status == 200
                records = await g.ended(50)
                assert all(r["outcome"] is Outcome.COMPLETED for r in records)
                assert all(1 <= r["dispatches"] <= 2 for r in records)
                assert len(engine.requests) == 50

    uvloop.run(main())


def test_a_stale_connection_is_not_the_engines_failure_but_counts_as_a_dispatch() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, ScriptedEngine() as idle:
            backends = Backend(engine, name="a"), Backend(idle, name="b", window=1)
            async with gateway(*backends) as g:
                assert (await g.post(CHAT)).status == 200
                engine.script(Answer(cut_after_bytes=0), Answer(cut_after_bytes=0))
                answer = await g.post(CHAT)
                assert answer.status == 502, "twice sent is all"
                assert not idle.requests
                assert (await g.ended(2))[1]["dispatches"] == 2
                engine.script(Answer(cut_after_bytes=0))
                await g.post(CHAT)
                assert (await g.post(CHAT)).status == 200

    uvloop.run(main())


@pytest.mark.parametrize("is_free", [True, False])
def test_a_client_that_was_long_at_a_dying_engine_is_still_served_by_another(
    is_free: bool,
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as bad, ScriptedEngine() as good:
            bad.default = Answer(hang_before_head=True)
            good.default = Answer(gated=not is_free)
            backends = Backend(bad, name="a", window=9), Backend(good, name="b", window=1)
            async with gateway(*backends) as g:
                if not is_free:
                    g.set_up("a", is_up=False)
                    busy = await g.stream(STREAM)
                    await good.received(1)
                    g.set_up("a", is_up=True)
                stream = await g.stream(CHAT)
                await bad.received(1)
                clock_ms = g.dispatcher.now_ms
                g.dispatcher.now_ms = lambda: clock_ms() + 60_000  # type: ignore[method-assign]
                await bad.crash()
                if not is_free:
                    await becomes(lambda: g.scheduler.backlog.requests or g.records)
                    good.default = Answer()
                    good.requests[0].release()
                    await busy.answer()
                assert (await stream.answer()).status == 200

    uvloop.run(main())


def test_an_engine_whose_machine_is_gone_is_replaced_and_reported_like_one_that_refuses() -> None:
    async def main() -> None:
        setup = Setup(client=ClientSettings(connect_timeout_ms=50))
        with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
            # With its queue of connections full, a listener that never accepts answers no further one.
            held = [socket.socket() for _ in range(2)]
            for each in held:
                each.setblocking(False)
                each.connect_ex(deaf.getsockname())
            async with ScriptedEngine() as gone, ScriptedEngine() as good:
                await gone.crash()
                gone.port = deaf.getsockname()[1]
                backends = Backend(gone, name="a"), Backend(good, name="b")
                async with gateway(*backends, setup=setup) as g:
                    told = []
                    link = next(link for link in g.dispatcher.engines.values() if link.name == "a")
                    link.report_unreachable = lambda: told.append("a")
                    assert (await g.post(CHAT)).status == 200
                    (record,) = await g.ended(1)
                    assert (record["engine"], record["dispatches"], told) == ("b", 1, ["a"])
                    g.set_up("b", is_up=False)
                    answer = await g.post(CHAT)
                    assert (answer.status, error_of(answer)["code"]) == (502, "engine_failed")
                    assert (await g.ended(2))[1]["units"] == 0
            for each in held:
                each.close()

    uvloop.run(main())


def test_an_error_event_before_all_else_is_a_failure_before_the_first_byte() -> None:
    async def main() -> None:
        error = b'data: {"error":{"message":"no memory","code":500}}\n\ndata: [DONE]\n\n'
        async with ScriptedEngine() as bad, ScriptedEngine() as good:
            bad.default = Answer(sse=error)
            async with gateway(Backend(bad, name="a")) as g:
                answer = await g.post(STREAM)
                assert answer.status == 502
                assert "no memory" in error_of(answer)["message"]
            async with gateway(Backend(bad, name="a"), Backend(good, name="b")) as g:
                assert (await g.post(STREAM)).status == 200

    uvloop.run(main())


def test_retries_are_a_tenth_of_the_traffic_when_every_engine_fails() -> None:
    async def main() -> None:
        async with ScriptedEngine() as a, ScriptedEngine() as b:
            for engine in (a, b):
                engine.default = Answer(status=503)
            async with gateway(Backend(a, window=9), Backend(b, window=9)) as g:
                for _ in range(200):
                    assert (await g.post(CHAT)).status == 502
                sent = len(a.requests) + len(b.requests)
                retries = g.gateway.retries
                assert sent == 200 + retries.spent_total
                assert retries.spent_total <= 10 + 200 / 10
                assert retries.spent_total + retries.refused_total == 200
                assert sum(r["dispatches"] for r in await g.ended(200)) == sent

    uvloop.run(main())
