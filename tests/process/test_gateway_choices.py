"""Several choices and prompts cost what they cost, on the engine that reports but one of them."""

from typing import Any

import pytest
import uvloop

from evenhand.engines.embedded import EmbeddedEngine
from evenhand.wire.dialect import EngineKind
from support.embedded_engine import small_settings
from support.gateway import Backend, gateway

pytestmark = pytest.mark.engine

TOKENS = 12
CHAT = {"messages": [{"role": "user", "content": "hello there my friend"}]}


async def settled(path: str, asked: dict[str, Any]) -> dict[str, Any]:
    engine = EmbeddedEngine(small_settings(), on_change=lambda _: None)
    await engine.start()
    try:
        async with gateway(Backend(engine, EngineKind.EMBEDDED)) as g:  # type: ignore[arg-type]
            body = {"model": "m", "max_tokens": TOKENS, **asked}
            answer = await g.post(body, path=path)
            assert answer.status == 200, answer.body
            (record,) = await g.ended(1)
            return record
    finally:
        await engine.stop()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "one", "all_of_them", "prompts", "choices"),
    [
        ("/v1/chat/completions", CHAT, {**CHAT, "n": 2}, 1, 2),
        ("/v1/completions", {"prompt": "a b c"}, {"prompt": ["a b c"] * 3}, 3, 3),
        ("/v1/completions", {"prompt": "a b c"}, {"prompt": ["a b c"] * 2, "n": 1}, 2, 2),
    ],
)
def test_all_choices_and_prompts_are_charged(
    stream: bool,
    path: str,
    one: dict[str, Any],
    all_of_them: dict[str, Any],
    prompts: int,
    choices: int,
) -> None:
    async def main() -> None:
        single = await settled(path, {**one, "stream": stream})
        assert not single["usage_is_estimate"]
        assert single["output_tokens"] == TOKENS
        record = await settled(path, {**all_of_them, "stream": stream})
        assert record["output_tokens"] == choices * TOKENS
        assert record["input_tokens"] == prompts * single["input_tokens"]
        assert record["usage_is_estimate"], "the engine reported but one of them"

    uvloop.run(main())
