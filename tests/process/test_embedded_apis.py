"""The official SDKs against `evenhand serve` with the embedded engine, which speaks all APIs itself."""

from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from support.anthropic_sdk import MESSAGE, AnthropicSdk
from support.on_loop import run_on_loop
from support.openai_sdk import Sdk
from support.serve import KEY_A, KEY_B, Served, configuration, embedded, serving

pytestmark = pytest.mark.engine
ASK: dict[str, Any] = {"model": "gpt-4o", "input": "hello there", "max_output_tokens": 6}
SAY = {**MESSAGE, "model": "gpt-4o", "max_tokens": 6}
LONG = "a prompt that is long enough to be worth keeping " * 20
ONE_TENANT = {"tenants": [{"name": "a"}], "keys": [{"key": "env:KEY_A", "tenant": "a"}]}


async def records(served: Served, count: int) -> list[tuple[str, int, int, int]]:
    await served.logged("request", count)
    names = ("outcome", "input_tokens", "cached_input_tokens", "output_tokens")
    ended = [line for line in served.lines if line["event"] == "request"]
    return [tuple(line[name] for name in names) for line in ended]


def test_responses_whole_and_streamed(tmp_path: Path) -> None:
    async def main() -> None:
        config = configuration(embedded(), aliases={"gpt-4o": "m"})
        async with serving(config, folder=tmp_path) as served:
            async with Sdk(served.base_url, key=KEY_A).client as client:
                whole = await client.responses.create(**ASK)
                assert whole.usage is not None
                stream = await client.responses.create(**ASK, stream=True)
                events = [event async for event in stream]
                last = events[-1]
                assert last.type == "response.completed"
                assert last.response.usage is not None
                words = [e.delta for e in events if e.type == "response.output_text.delta"]
                assert "".join(words) == last.response.output_text
                with pytest.raises(openai.NotFoundError, match="whole conversation"):
                    await client.responses.create(**ASK, previous_response_id=whole.id)
                with pytest.raises(openai.BadRequestError, match="context"):
                    await client.responses.create(**{**ASK, "input": LONG * 10})
                prompt = whole.usage.input_tokens
                usage = last.response.usage
                assert (usage.input_tokens, usage.output_tokens) == (prompt, 6)
            assert (await records(served, 4))[:2] == [("completed", prompt, 0, 6)] * 2
            assert await served.stop() == 0

    run_on_loop(main)


def test_messages_whole_and_streamed(tmp_path: Path) -> None:
    async def main() -> None:
        config = configuration(embedded(), aliases={"gpt-4o": "m"})
        async with serving(config, folder=tmp_path) as served:
            url = served.base_url.removesuffix("/v1")
            async with AnthropicSdk(url, key=KEY_B).client as client:
                whole = await client.messages.create(**SAY)
                async with client.messages.stream(**SAY) as stream:
                    streamed = await stream.get_final_message()
                assert whole.usage.output_tokens == streamed.usage.output_tokens == 6
                assert whole.usage.input_tokens == streamed.usage.input_tokens
                prompt = {name: SAY[name] for name in ("model", "messages")}
                counted = await client.messages.count_tokens(**prompt)
                assert counted.input_tokens == whole.usage.input_tokens
                assert len(streamed.content[0].text.split()) == 6  # type: ignore[union-attr]
                with pytest.raises(anthropic.BadRequestError, match="context") as raised:
                    long = [{"role": "user", "content": LONG * 10}]
                    await client.messages.create(**{**SAY, "messages": long})
                assert raised.value.type == "invalid_request_error"
            told = await records(served, 4)
            assert told[:2] == [("completed", whole.usage.input_tokens, 0, 6)] * 2
            assert told[2] == ("completed", 0, 0, 0)
            assert told[3][0] == "refused_by_engine"
            assert await served.stop() == 0

    run_on_loop(main)


@pytest.mark.parametrize("tenants", [1, 2])
def test_prompts_are_kept_for_one_trust_domain_and_for_none_of_several(
    tmp_path: Path, tenants: int
) -> None:
    async def main() -> None:
        config = configuration(embedded(slots=1), **(ONE_TENANT if tenants == 1 else {}))
        message = {"role": "user", "content": LONG}
        asks = {
            "/v1/responses": {"model": "m", "input": LONG, "max_output_tokens": 2},
            "/v1/messages": {"model": "m", "messages": [message], "max_tokens": 2},
        }
        async with serving(config, folder=tmp_path) as served:
            for path, body in asks.items():
                for _ in range(2):
                    assert (await served.post(body, path=path)).status == 200
            cached = [record[2] for record in await records(served, 4)]
            if tenants == 1:
                assert cached[1] > 100
                cached[1] = 0  # in messages llama.cpp does not hear that it may
            assert cached == [0, 0, 0, 0]
            assert await served.stop() == 0

    run_on_loop(main)
