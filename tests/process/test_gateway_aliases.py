"""A model asked for by another name: the engine, the books and the answer know it by its own."""

from typing import Any

import pytest

from evenhand.gateway.gateway import Gateway
from evenhand.model import ModelName
from support.anthropic_sdk import MESSAGE
from support.gateway import CHAT, KEY_A, KEY_B, Backend, RunningGateway, Setup, gateway, identity
from support.on_loop import run_on_loop
from support.openai_sdk import sdk
from support.scripted_engine import ScriptedEngine

KEYS = {KEY_A: identity("a"), KEY_B: identity("b", models=frozenset({ModelName("x")}))}
RENAMED = Setup(keys=KEYS, aliases={"gpt-4o": "m", "other": "x"})
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": dict(CHAT),
    "/v1/completions": {"prompt": "hello", "model": "m"},
    "/v1/embeddings": {"input": "hello", "model": "m"},
    "/v1/responses": {"input": "hello", "model": "m"},
    "/v1/messages": MESSAGE,
}


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("stream", [False, True])
def test_the_engine_is_asked_for_the_model_itself(path: str, *, stream: bool) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=RENAMED) as g:
            asked = {**BODIES[path], "stream": stream and "embeddings" not in path}
            answer = await g.post({**asked, "model": "gpt-4o"}, path=path)
            plain = await g.post(asked, path=path)
            assert (answer.status, plain.status) == (200, 200), answer.body
            first, second = (request.json for request in engine.requests)
            assert first == second
            if not asked["stream"]:
                assert answer.json["model"] == "m"
            assert [record["model"] for record in await g.ended(2)] == ["m", "m"]

    run_on_loop(main)


def test_rights_go_by_the_model() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            backend = Backend(engine, models=("m", "x"))
            async with gateway(backend, setup=RENAMED) as g:
                refused = await g.post({**CHAT, "model": "gpt-4o"}, key=KEY_B)
                assert refused.status == 403
                assert "It may use: other, x." in refused.json["error"]["message"]
                assert (await g.post({**CHAT, "model": "other"}, key=KEY_B)).status == 200
                assert engine.requests[0].json["model"] == "x"
                async with sdk(g) as every, sdk(g, key=KEY_B) as one:
                    listed = [model async for model in await every.client.models.list()]
                    assert [model.id for model in listed] == ["gpt-4o", "m", "other", "x"]
                    narrow = [model async for model in await one.client.models.list()]
                    assert [model.id for model in narrow] == ["other", "x"]
                await g.ended(2)

    run_on_loop(main)


async def status_of(g: RunningGateway, model: str) -> int:
    return (await g.post({**CHAT, "model": model})).status


def test_other_names_take_the_place_of_these_while_we_serve() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=RENAMED) as g:
            running: Gateway = g.gateway
            assert await status_of(g, "gpt-4o") == 200
            running.rename({ModelName("gpt-5"): ModelName("m")})
            assert await status_of(g, "gpt-4o") == 403
            assert await status_of(g, "gpt-5") == 200
            await g.ended(3)

    run_on_loop(main)
