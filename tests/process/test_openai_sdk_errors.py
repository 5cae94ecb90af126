"""The official `openai` Python SDK raises the right errors, and follows our advice on retries."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from evenhand.gateway.settings import CallLimits
from evenhand.scheduling import QueueLimits
from support.gateway import KEY_A, Backend, RunningGateway, Setup, gateway, identity
from support.on_loop import run_on_loop
from support.openai_sdk import ASK, Sdk, chat, sdk
from support.scripted_engine import Answer, ScriptedEngine

Ask = Callable[[AsyncOpenAI], Awaitable[Any]]


async def deep(client: AsyncOpenAI) -> Any:
    return await client.chat.completions.create(**ASK, extra_body={"x": [[[[[[[[[]]]]]]]]]})


async def forbidden(client: AsyncOpenAI) -> Any:
    return await client.chat.completions.create(**ASK | {"model": "other"})


async def too_many(client: AsyncOpenAI) -> Any:
    return await client.chat.completions.create(**ASK, n=99)


async def no_such_path(client: AsyncOpenAI) -> Any:
    return await client.moderations.create(model="m", input="x")


FOR_GOOD: dict[str, tuple[Ask, type[openai.APIStatusError], str]] = {
    "model not allowed": (forbidden, openai.PermissionDeniedError, "model_not_allowed"),
    "too deep": (deep, openai.BadRequestError, "bad_request"),
    "too many choices": (too_many, openai.BadRequestError, "bad_request"),
    "no such path": (no_such_path, openai.NotFoundError, "not_found"),
}


@pytest.mark.parametrize("what", FOR_GOOD)
def test_a_request_refused_for_good_is_sent_once(what: str) -> None:
    ask, error, code = FOR_GOOD[what]

    async def main() -> None:
        setup = Setup(limits=CallLimits(json_depth_max=8))
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=setup) as g,
            sdk(g) as s,
        ):
            with pytest.raises(error) as raised:
                await ask(s.client)
            assert raised.value.code == code
            assert raised.value.request_id == raised.value.response.headers["x-request-id"]
            assert s.requests == 1
            assert not engine.requests

    run_on_loop(main)


def test_a_wrong_key_is_sent_once() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine)) as g,
            sdk(g, key="sk-nobody") as s,
        ):
            with pytest.raises(openai.AuthenticationError) as raised:
                await chat(s.client)
            assert raised.value.code == "invalid_api_key"
            assert s.requests == 1

    run_on_loop(main)


def test_what_the_engine_refuses_is_sent_once_and_in_its_words() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            engine.default = Answer(status=400, error_message="context too long")
            with pytest.raises(openai.BadRequestError, match="context too long"):
                await chat(s.client)
            assert s.requests == 1
            engine.default = Answer(status=422)
            with pytest.raises(openai.UnprocessableEntityError):
                await chat(s.client)
            assert s.requests == 2

    run_on_loop(main)


def test_an_engine_that_fails_is_asked_again() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            engine.script(Answer(status=503), Answer())
            assert (await chat(s.client)).choices
            assert s.requests == 2

    run_on_loop(main)


LIMITS = {
    "key_limit": Setup(keys={KEY_A: identity("a", open_requests_max=1)}),
    "tenant_queue_full": Setup(queue=QueueLimits(tenant_requests_max=1)),
}


@pytest.mark.parametrize("code", LIMITS)
def test_a_limit_is_a_rate_limit_error_with_a_wait_that_can_be_kept(code: str) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, window=1), setup=LIMITS[code]) as g,
            sdk(g, retries=0) as s,
        ):
            busy = await _occupy(g, engine, s, waiting=int(code == "tenant_queue_full"))
            with pytest.raises(openai.RateLimitError) as raised:
                await chat(s.client)
            headers = raised.value.response.headers
            assert raised.value.code == code
            assert headers["x-should-retry"] == "true"
            wait_ms = int(headers["retry-after-ms"])
            assert 0 < wait_ms <= 120_000
            assert int(headers["retry-after"]) == max(1, -(-wait_ms // 1000))
            await busy()

    run_on_loop(main)


def test_the_sdk_waits_as_long_as_it_is_told_and_comes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, window=1), setup=LIMITS["key_limit"]) as g,
            sdk(g, retries=1) as s,
        ):
            told_ms = 0

            async def look(response: Any) -> None:
                nonlocal told_ms
                if response.status_code == 429:
                    told_ms = int(response.headers["retry-after-ms"])
                    await busy()

            busy = await _occupy(g, engine, s, waiting=0)
            s.client._client.event_hooks["response"] = [look]
            with caplog.at_level(logging.INFO, logger="openai"):
                assert (await chat(s.client)).choices
            retries = [r.getMessage() for r in caplog.records if "Retrying" in r.msg]
            assert len(retries) == 1
            assert f" {told_ms / 1000:f} seconds" in retries[0]
            assert s.requests == 3, "the one that occupied the key, and two"

    run_on_loop(main)


async def _occupy(
    g: RunningGateway, engine: ScriptedEngine, s: Sdk, *, waiting: int
) -> Callable[[], Awaitable[None]]:
    """Take the one slot and put others into the queue; the result ends all that."""
    engine.script(Answer(gated=True))
    tasks = [asyncio.create_task(chat(s.client))]
    request = await engine.received(1)
    tasks += [asyncio.create_task(chat(s.client)) for _ in range(waiting)]
    while g.scheduler.backlog.requests < waiting:  # noqa: ASYNC110 - the queue rings no bell
        await asyncio.sleep(0.005)

    async def free() -> None:
        request.release()
        await asyncio.gather(*tasks)

    return free


def test_no_engine_is_worth_a_retry() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine)) as g,
            sdk(g, retries=0) as s,
        ):
            (link,) = g.dispatcher.engines.values()
            g.dispatcher.engine_changed(link, is_up=False, reason="test")
            with pytest.raises(openai.InternalServerError) as raised:
                await chat(s.client)
            assert raised.value.code == "no_engine"
            assert raised.value.response.headers["x-should-retry"] == "true"
            assert int(raised.value.response.headers["retry-after"]) <= 120

    run_on_loop(main)
