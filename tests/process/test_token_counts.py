"""Prompts that are only counted: by an engine, for a key, at no cost."""

import asyncio
from typing import Any

import anthropic
import pytest

from evenhand.gateway import token_count
from evenhand.model import ModelName, Outcome
from evenhand.wire.dialect import EngineKind
from support.anthropic_sdk import anthropic_sdk
from support.gateway import CHAT, KEY_A, KEY_B, Backend, Setup, becomes, gateway, identity
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine

PATH = "/v1/messages/count_tokens"
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "one two three"}]}


def test_the_sdk_counts_and_nothing_is_charged() -> None:
    async def main() -> None:
        setup = Setup(aliases={"claude": "m"})
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, window=1), setup=setup) as g,
            anthropic_sdk(g) as s,
        ):
            engine.script(Answer(gated=True))
            chat = await g.stream({**CHAT, "stream": True})
            request = await engine.received(1)
            # The only slot is taken, and a count does not wait for it.
            counted = await s.client.messages.count_tokens(
                **{**ASK, "model": "claude"}, system="be"
            )
            assert counted.input_tokens == 4
            assert engine.requests[1].json == {**ASK, "system": "be"}
            request.release()
            await chat.events()
            count, _ = await g.ended(2)
            assert (count["path"], count["outcome"]) == (PATH, Outcome.COMPLETED)
            names = ("input_tokens", "output_tokens", "units")
            assert [count[name] for name in names] == [0, 0, 0]
            assert not g.gateway.counts

    run_on_loop(main)


def test_it_is_refused_as_a_message_would_be() -> None:
    async def main() -> None:
        keys = {
            KEY_A: identity("a", open_requests_max=1),
            KEY_B: identity("b", models=frozenset({ModelName("x")})),
        }
        async with ScriptedEngine() as engine, ScriptedEngine() as plain:
            backends = (Backend(engine), Backend(plain, kind=EngineKind.OPENAI, models=("x",)))
            async with gateway(*backends, setup=Setup(keys=keys)) as g:

                async def refused(body: Any, key: str = KEY_A, status: int = 400) -> str:
                    answer = await g.post(body, path=PATH, key=key)
                    assert (answer.status, answer.json["type"]) == (status, "error")
                    return str(answer.json["error"]["message"])

                await refused(b"{")
                assert "messages" in await refused({"model": "m"})
                assert "x" in await refused(ASK, KEY_B, 403)
                assert "/v1/messages" in await refused({**ASK, "model": "x"}, KEY_B, 404)
                await refused(ASK, "sk-of-nobody", 401)
                engine.script(Answer(hang_before_head=True))
                waiting = await g.stream(ASK, path=PATH)
                await becomes(lambda: len(engine.requests) == 1)
                assert "limit" in await refused(ASK, KEY_A, 429)
                waiting.leave()
                await becomes(lambda: not g.gateway.counts)
                g.set_up("e0", is_up=False)
                await refused(ASK, KEY_A, 529)
                outcomes = [record["outcome"] for record in await g.ended(7)]
                assert outcomes.count(Outcome.CANCELLED_RUNNING) == 1

    run_on_loop(main)


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (Answer(status=404), 502, "does not count"),
        (Answer(status=400, error_message="too long"), 400, "too long"),
        (Answer(status=500), 502, "did not count"),
        (Answer(status=429), 502, "did not count"),
        (Answer(cut_after_bytes=5), 502, "did not count"),
        (Answer(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"), 502, "did not count"),
    ],
)
def test_what_an_engine_says_instead_is_told(answer: Answer, status: int, says: str) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = answer
            async with anthropic_sdk(g, retries=0) as s:
                with pytest.raises(anthropic.APIStatusError, match=says) as raised:
                    await s.client.messages.count_tokens(**ASK)
            assert raised.value.status_code == status
            await g.ended(1)

    run_on_loop(main)


def test_only_so_many_go_on_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_count, "AT_ONCE_MAX", 3)

    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(hang_before_head=True)
            waiting = [await g.stream(ASK, path=PATH) for _ in range(3)]
            await becomes(lambda: len(engine.requests) == 3)
            answer = await g.post(ASK, path=PATH)
            assert (answer.status, answer.headers["retry-after"]) == (529, "1")
            for stream in waiting:
                stream.leave()
            await becomes(lambda: not g.gateway.counts)
            await asyncio.gather(*(request.closed_by_client.wait() for request in engine.requests))
            await g.ended(4)

    run_on_loop(main)
