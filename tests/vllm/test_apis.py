"""The official SDKs' other APIs through `evenhand serve` to the real vLLM: what it counts is what is
told and booked."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from support.on_loop import run_on_loop
from support.raw_http import exchange, open_stream
from support.serve import KEY_A, KEY_B, Served, configuration, serving, url_engine
from support.vllm_server import MODEL, READY_S_MAX, vllm_server

pytestmark = pytest.mark.timeout(READY_S_MAX + 300)
WORDS = "a question that is long enough to fill some blocks of the cache: " * 8
TOOL = {"name": "look", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}


async def ended(served: Served, count: int) -> list[tuple[int, int, int, bool]]:
    await served.logged("request", count)
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "usage_is_estimate")
    lines = [line for line in served.lines if line["event"] == "request"]
    assert {line["outcome"] for line in lines} == {"completed"}
    return [tuple(line[name] for name in names) for line in lines]


async def responses(served: Served, key: str) -> list[tuple[int, int, int, bool]]:
    asked: dict[str, Any] = {"model": "gpt-4o", "input": WORDS, "max_output_tokens": 7}
    told = []
    async with AsyncOpenAI(base_url=served.base_url, api_key=key) as client:
        whole = await client.responses.create(**asked, extra_body={"ignore_eos": True})
        async with client.responses.stream(**asked, extra_body={"ignore_eos": True}) as stream:
            kinds = [event.type async for event in stream]
        assert kinds[-1] == "response.completed"
        assert "response.output_text.delta" in kinds
        final = await stream.get_final_response()
        tool: Any = {"type": "function", **TOOL}
        called = await client.responses.create(
            **{**asked, "max_output_tokens": 64}, tools=[tool], tool_choice="required"
        )
        for answer in (whole, final, called):
            assert answer.usage is not None
            usage = answer.usage
            cached = usage.input_tokens_details.cached_tokens
            told.append((usage.input_tokens, cached, usage.output_tokens, False))
    return told


async def messages(served: Served, key: str) -> list[tuple[int, int, int, bool]]:
    say: dict[str, Any] = {"model": MODEL, "max_tokens": 7}
    say["messages"] = [{"role": "user", "content": WORDS}]
    told = []
    url = served.base_url.removesuffix("/v1")
    async with AsyncAnthropic(base_url=url, api_key=key) as client:
        counted = await client.messages.count_tokens(model=MODEL, messages=say["messages"])
        whole = await client.messages.create(**say)
        async with client.messages.stream(**say) as stream:
            final = await stream.get_final_message()
        tool: Any = {"name": "look", "input_schema": TOOL["parameters"]}
        # What random weights write is no JSON, so nothing makes sense of it here.
        called = await client.messages.create(
            **{**say, "max_tokens": 64}, tools=[tool], tool_choice={"type": "any"}, stream=True
        )
        events = [event async for event in called]
        assert events[-1].type == "message_stop"
        assert any(event.type == "content_block_delta" for event in events)
        usages: list[Any] = [whole.usage, final.usage]
        usages += [event.usage for event in events if event.type == "message_delta"]
        for usage in usages:
            read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens
            prompt = usage.input_tokens + read + (written or 0)
            told.append((prompt, read, usage.output_tokens, False))
    assert counted.input_tokens == told[0][0]
    return [(0, 0, 0, False), *told]


async def _left(served: Served, path: str, head: str, asked: bytes) -> dict[str, Any]:
    """How a request ended whose client went away after three pieces of its answer."""
    before = sum(line.get("path") == path for line in served.lines)
    stream = await open_stream(served.host, served.port, head, asked)
    came = 0
    while came < 3:
        event = await stream.event()
        if event is None:
            break
        came += b'delta"' in event
    stream.leave()
    return await served.logged("request", before + 1, path=path)


async def leaves(served: Served, url: str) -> None:
    """Clients go away amid answers that would take long: vLLM stops, and what came is booked."""
    place = urlsplit(url)
    asks: dict[str, dict[str, Any]] = {
        "/v1/responses": {"input": "go on", "max_output_tokens": 1_800, "ignore_eos": True},
        "/v1/messages": {"messages": [{"role": "user", "content": "go on"}], "max_tokens": 1_800},
    }
    for path, body in asks.items():
        head = f"POST {path} HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {KEY_A}"
        asked = json.dumps({"model": MODEL, "stream": True, **body}).encode()
        line = await _left(served, path, head, asked)
        while line["outcome"] == "completed":  # a model of noise may end as soon as it has begun
            line = await _left(served, path, head, asked)
        assert line["outcome"] == "cancelled_running"
        assert 3 <= line["output_tokens"] < 1_800
        assert line["usage_is_estimate"]
        page = "GET /metrics HTTP/1.1\r\nHost: vllm\r\nConnection: close"
        async with asyncio.timeout(30):
            while True:
                told = await exchange(place.hostname or "", place.port or 0, page, b"")
                if re.search(rb"^vllm:num_requests_running\{.*\} 0\.0$", told.body, re.MULTILINE):
                    break
                await asyncio.sleep(0.2)


def test_vllm_counts_what_is_told_and_booked(tmp_path: Path) -> None:
    async def main() -> None:
        options = ("--enable-auto-tool-choice", "--tool-call-parser", "hermes")
        async with vllm_server(tmp_path, *options) as url:
            config = configuration(url_engine(url, models=[MODEL]), aliases={"gpt-4o": MODEL})
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                told = await responses(served, KEY_A) + await messages(served, KEY_A)
                of_another = await messages(served, KEY_B)
                assert await ended(served, 11) == told + of_another
                assert told[1][1] > 0, "the second prompt of a tenant is in the cache"
                assert of_another[1][1] == 0, "and is not there for another trust domain"
                refused = await served.post(
                    {"model": MODEL, "input": "x " * 5000}, path="/v1/responses"
                )
                assert refused.status == 400
                assert "context length" in json.loads(refused.body)["error"]["message"]
                await served.logged("request", outcome="refused_by_engine")
                await leaves(served, url)
                assert await served.stop() == 0

    run_on_loop(main, READY_S_MAX + 200)
