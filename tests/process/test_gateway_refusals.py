"""Every refusal has its status, an OpenAI error that says what to do, and its retry advice."""

import json
from typing import Any

import pytest
import uvloop

from evenhand.gateway.settings import CallLimits
from evenhand.model import ModelName, Outcome
from evenhand.scheduling import QueueLimits, TenantShare
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
from support.raw_http import RawStream
from support.scripted_engine import Answer, ScriptedEngine

COMPLETION = {"model": "m", "prompt": "x"}
LIMITS = CallLimits(json_depth_max=8, choices_max=4, output_tokens_max=100)


def deep(levels: int) -> bytes:
    return b'{"model":"m","messages":[],"x":' + b"[" * levels + b"]" * levels + b"}"


BAD: dict[str, tuple[Any, str | None]] = {
    "no bytes": (b"", None),
    "cut off": (b'{"model":"m"', None),
    "an array": ([1], None),
    "a string": (b'"x"', None),
    "not UTF-8": (b'{"model":"\xff"}', None),
    "a lone surrogate": (b'{"model":"m","x":"\\ud800"}', None),
    "NaN": (b'{"model":"m","x":NaN}', None),
    "two documents": (b'{"model":"m"}{"model":"m"}', None),
    "a byte order mark": (b'\xef\xbb\xbf{"model":"m","messages":[]}', None),
    "too deep": (deep(8), None),
    "absurdly deep": (deep(100_000), None),
    "a repeated member": (b'{"model":"m","messages":[],"model":"x"}', "model"),
    "repeated by an escape": (b'{"model":"m","messages":[],"mode\\u006c":"x"}', "model"),
    "no model": ({"messages": []}, "model"),
    "n over the cap": ({**CHAT, "n": 5}, "n"),
    "best_of over the cap": ({**COMPLETION, "best_of": 5}, "n"),
    "llama.cpp's n over the cap": ({**CHAT, "n_cmpl": 1_000_000}, "n"),
    "prompts over the cap": ({"model": "m", "prompt": ["x"] * 5}, "n"),
    "n times prompts over the cap": ({"model": "m", "prompt": ["x"] * 3, "n": 2}, "n"),
    "token prompts over the cap": ({"model": "m", "prompt": [[1]] * 5}, "n"),
    "n of zero": ({**CHAT, "n": 0}, "n"),
    "too many output tokens": ({**CHAT, "max_tokens": 101}, "max_tokens"),
    "the other name for them": ({**CHAT, "max_completion_tokens": 101}, "max_tokens"),
    "llama.cpp's name for them": ({**CHAT, "n_predict": 101}, "max_tokens"),
    "no end of them": ({**CHAT, "n_predict": -1}, "n_predict"),
    "stream as text": ({**CHAT, "stream": "true"}, "stream"),
}


@pytest.mark.parametrize("what", list(BAD))
def test_a_bad_body_gets_400_and_never_reaches_an_engine(what: str) -> None:
    async def main() -> None:
        body, param = BAD[what]
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=Setup(limits=LIMITS)) as g,
        ):
            answer = await g.post(body)
            assert answer.status == 400
            assert error_of(answer)["param"] == param
            assert answer.headers["x-should-retry"] == "false"
            assert not engine.requests
            assert [r["outcome"] for r in await g.ended(1)] == [Outcome.BAD_REQUEST]
            assert g.counted() == {Outcome.BAD_REQUEST: 1}

    uvloop.run(main())


@pytest.mark.parametrize(
    "body",
    [
        {**CHAT, "n": 4},
        {"model": "m", "prompt": ["x", "y"], "n": 2},
        {**CHAT, "max_tokens": 100},
        deep(7),
    ],
)
def test_what_is_just_within_the_limits_passes(body: Any) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=Setup(limits=LIMITS)) as g,
        ):
            assert (await g.post(body)).status == 200

    uvloop.run(main())


def test_an_unknown_model_and_a_forbidden_one_are_told_apart_by_nothing() -> None:
    async def main() -> None:
        keys = {KEY_A: identity("a", models=frozenset({ModelName("m")})), KEY_B: identity("b")}
        async with ScriptedEngine() as engine:
            backend = Backend(engine, models=("m", "hush"))
            async with gateway(backend, setup=Setup(keys)) as g:
                told = []
                for model in ("hush", "none"):
                    answer = await g.post({**CHAT, "model": model})
                    error = error_of(answer)
                    error["message"] = error["message"].replace(repr(model), "MODEL")
                    told.append((answer.status, answer.headers.keys(), error))
                assert told[0] == told[1]
                assert told[0][0] == 403
                assert (await g.post({**CHAT, "model": "hush"}, key=KEY_B)).status == 200

    uvloop.run(main())


def test_a_key_that_names_an_output_limit_is_held_to_it() -> None:
    async def main() -> None:
        setup = Setup({KEY_A: identity("a", output_tokens_max=10)})
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            unnamed = {"model": "m", "messages": []}
            for body, status in ((CHAT, 200), ({**CHAT, "max_tokens": 11}, 400), (unnamed, 400)):
                assert (await g.post(body)).status == status

    uvloop.run(main())


def assert_come_back_later(answer: Any) -> None:
    assert answer.status == 429
    error_of(answer)
    assert answer.headers["x-should-retry"] == "true"
    assert int(answer.headers["retry-after"]) >= 1


async def occupied(g: RunningGateway, engine: ScriptedEngine, count: int = 1) -> list[RawStream]:
    """Streams that hold slots until they are left."""
    engine.script(*[Answer(gated=True)] * count)
    streams = [await g.stream(STREAM) for _ in range(count)]
    await engine.received(count)
    return streams


async def queued(g: RunningGateway, count: int) -> None:
    """Wait until so many wait."""
    await becomes(lambda: g.scheduler.backlog.requests >= count)


def test_a_keys_limit_of_open_requests_gets_429_and_frees_with_their_end() -> None:
    async def main() -> None:
        keys = {KEY_A: identity("a", open_requests_max=2), KEY_B: identity("a")}
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=Setup(keys)) as g:
            streams = await occupied(g, engine, 2)
            assert_come_back_later(await g.post(CHAT))
            assert (await g.post(CHAT, key=KEY_B)).status == 200, "another key is another limit"
            streams[0].leave()
            await g.ended(3)
            assert (await g.post(CHAT)).status == 200
            streams[1].leave()
            ends = [r["outcome"] for r in await g.ended(5)]
            assert ends[0] is Outcome.KEY_LIMIT

    uvloop.run(main())


@pytest.mark.parametrize(
    "queue",
    [
        QueueLimits(tenant_requests_max=2),
        QueueLimits(tenant_bytes_max=2 * len(json.dumps(dict(STREAM)))),
    ],
)
def test_a_tenants_full_queue_gets_429_and_the_others_do_not(queue: QueueLimits) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            backend = Backend(engine, window=1)
            async with gateway(backend, setup=Setup(queue=queue)) as g:
                streams = await occupied(g, engine)
                streams += [await g.stream(STREAM) for _ in range(2)]
                await queued(g, 2)
                assert_come_back_later(await g.post(CHAT))
                streams.append(await g.stream(STREAM, key=KEY_B))
                await queued(g, 3)
                for stream in streams:
                    stream.leave()
                ends = {r["outcome"] for r in await g.ended(5)}
                assert Outcome.TENANT_QUEUE_FULL in ends
                assert len(engine.requests) == 1

    uvloop.run(main())


def test_when_all_is_full_the_newest_of_the_tenant_furthest_over_its_share_goes() -> None:
    async def main() -> None:
        setup = Setup(
            queue=QueueLimits(requests_max=3),
            tenants=(TenantShare(name="a"), TenantShare(name="b")),
        )
        async with ScriptedEngine() as engine:
            backend = Backend(engine, window=1)
            async with gateway(backend, setup=setup) as g:
                streams = await occupied(g, engine)
                for waiting in range(3):
                    streams.append(await g.stream(STREAM))
                    await queued(g, waiting + 1)
                streams.append(await g.stream(STREAM, key=KEY_B))
                # The flood's newest is told at once, while the arrival waits.
                assert_come_back_later(await streams[3].answer())
                assert g.scheduler.backlog.requests == 3
                # A further one of the flood is itself the newest of the tenant furthest over.
                assert_come_back_later(await g.post(CHAT))
                assert [r["outcome"] for r in await g.ended(2)] == [Outcome.SHED] * 2
                for stream in streams:
                    stream.leave()
                await g.ended(6)

    uvloop.run(main())


def test_who_waits_too_long_gets_504_and_is_never_sent() -> None:
    async def main() -> None:
        keys = {KEY_A: identity("a"), KEY_B: identity("b", queue_wait_ms_max=20)}
        async with ScriptedEngine() as engine:
            backend = Backend(engine, window=1)
            async with gateway(backend, setup=Setup(keys)) as g:
                (stream,) = await occupied(g, engine)
                answer = await g.post(CHAT, key=KEY_B)
                assert answer.status == 504
                assert error_of(answer)["code"] == "queued_too_long"
                assert answer.headers["x-should-retry"] == "true"
                stream.leave()
                records = await g.ended(2)
                assert records[0]["dispatches"] == 0
                assert len(engine.requests) == 1

    uvloop.run(main())


def test_without_an_engine_503_and_while_draining_503() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            g.set_up("e0", is_up=False)
            answer = await g.post(CHAT)
            assert (answer.status, error_of(answer)["code"]) == (503, "no_engine")
            assert answer.headers["x-should-retry"] == "true"
            assert "retry-after" in answer.headers
            g.set_up("e0", is_up=True)
            g.gateway.is_draining = True
            answer = await g.post(CHAT)
            assert (answer.status, error_of(answer)["code"]) == (503, "shutting_down")
            assert answer.headers["x-should-retry"] == "true"
            assert not engine.requests

    uvloop.run(main())


def test_a_key_that_nobody_gave_a_wrong_path_and_a_wrong_method() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            for path, key, status in (
                ("/v1/chat/completions", "sk-forged", 401),
                ("/v1/audio/speech", KEY_A, 404),
                ("/v1/models", KEY_A, 405),
            ):
                answer = await g.post(CHAT, path=path, key=key)
                assert answer.status == status
                error_of(answer)
            assert g.counted() == {
                Outcome.UNAUTHENTICATED: 1,
                Outcome.NOT_FOUND: 1,
                Outcome.METHOD_NOT_ALLOWED: 1,
            }

    uvloop.run(main())


def test_an_interaction_name_that_is_none_is_refused() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            answer = await g.post(CHAT, headers={"X-Evenhand-Interaction": "no spaces please"})
            assert answer.status == 400
            error_of(answer)

    uvloop.run(main())


def test_a_length_of_an_interaction_that_is_none_is_refused() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            for calls in ("0", "-1", "1e3", "", "9" * 7, "\u0661"):
                named = {"X-Evenhand-Interaction": "trip", "X-Evenhand-Interaction-Calls": calls}
                answer = await g.post(CHAT, headers=named)
                assert answer.status == 400
                error_of(answer)
            assert not engine.requests
            named["X-Evenhand-Interaction-Calls"] = "12"
            assert (await g.post(CHAT, headers=named)).status == 200

    uvloop.run(main())
