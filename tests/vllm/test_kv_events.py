"""KV events of the real vLLM: each block is told as the tokens that we make of the prompt; a gap is
filled from its replay socket; what is evicted and cleared is told; usage says what was cached.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from evenhand.engines.kv_events import KvEndpoints, KvEventsWatch
from evenhand.engines.tokenizer import PromptTokens, load_tokenizer
from support.kv_events import Heard
from support.on_loop import run_on_loop
from support.raw_http import exchange
from support.vllm_server import MODEL, vllm_server

BLOCK, BLOCKS = 32, 64
"""As the server is started: 64 blocks of 32 tokens, some of which vLLM keeps for itself."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - events come by callbacks
            await asyncio.sleep(0.05)


def chat(text: str, **more: Any) -> dict[str, Any]:
    said = [{"role": "system", "content": text}, {"role": "user", "content": "and then?"}]
    return {"model": MODEL, "messages": said, "max_tokens": 2, "ignore_eos": True} | more


async def post(url: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    head = f"POST {path} HTTP/1.1\r\nHost: vllm\r\nContent-Type: application/json"
    answer = await exchange(place.hostname, place.port, head, json.dumps(body).encode())
    assert answer.status == 200, answer.body
    return dict(answer.json) if answer.body else {}


async def cached(url: str, body: dict[str, Any]) -> tuple[int, int]:
    """Of the prompt's tokens, and how many it has."""
    usage = (await post(url, "/v1/chat/completions", body))["usage"]
    return usage["prompt_tokens_details"]["cached_tokens"], usage["prompt_tokens"]


def whole_blocks(tokens: PromptTokens) -> bytes:
    width = 4 * BLOCK
    return tokens.ids[: len(tokens.ids) // width * width]


def test_events_of_the_installed_vllm_are_followed_block_by_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_SERVER_DEV_MODE", "1")  # for /reset_prefix_cache

    async def main() -> None:
        events, replay = (f"tcp://127.0.0.1:{free_port()}" for _ in range(2))
        # vLLM binds where the host is a star.
        bound = {
            "enable_kv_cache_events": True,
            "publisher": "zmq",
            "endpoint": events.replace("127.0.0.1", "*"),
            "replay_endpoint": replay.replace("127.0.0.1", "*"),
        }
        options = (
            *("--kv-events-config", json.dumps(bound)),
            *("--num-gpu-blocks-override", str(BLOCKS), "--max-model-len", "1024"),
        )
        async with vllm_server(tmp_path, *options) as url:
            tokenizer = load_tokenizer(tmp_path / "model", None)

            def told(body: dict[str, Any]) -> PromptTokens:
                tokens = tokenizer.tokens(json.dumps(body).encode())
                assert tokens is not None
                return tokens

            # It has run before anybody listens: the first batches are asked for.
            first = chat("the first of all prompts " * 40)
            assert (await cached(url, first))[0] == 0
            heard = Heard()
            watch = KvEventsWatch(
                KvEndpoints(events=events, replay=replay), heard, vocabulary=tokenizer.vocabulary
            )
            watch.start()
            await eventually(lambda: heard.stored)
            longest = max((tokens for tokens, _ in heard.stored), key=len)
            assert longest == whole_blocks(told(first)), "the ids are those that vLLM computed"

            # Usage tells whole blocks, and how long the prompt is.
            warm, count = await cached(url, first)
            assert count == told(first).count
            assert warm == (count - 1) // BLOCK * BLOCK

            # A salt is told with what it keeps apart.
            salted = chat("the first of all prompts " * 40, cache_salt="house")
            assert (await cached(url, salted))[0] == 0
            await eventually(lambda: any(salt == "house" for _, salt in heard.stored))

            # One batch never arrives; what it said is asked for when the next one does.
            hear, lost = watch._heard, []

            async def deaf_once(frames: Any) -> None:
                watch._heard = hear  # type: ignore[method-assign]
                lost.append(frames)

            watch._heard = deaf_once  # type: ignore[method-assign]
            missed = chat("what nobody hears at first " * 40)
            await cached(url, missed)
            await eventually(lambda: lost)
            await cached(url, chat("what comes after it " * 40))
            await eventually(lambda: whole_blocks(told(missed)) in [t for t, _ in heard.stored])
            assert heard.events == [], "no gap was left"

            # More than fits: blocks are removed, and how much is held is told.
            for number in range(6):
                await cached(url, chat(f"prompt {number} of many others " * 60))
            await eventually(lambda: heard.held and heard.held[-1] is not None)
            assert heard.removed
            held = heard.held[-1]
            assert held is not None
            assert 0 < held <= BLOCKS * BLOCK
            assert (await cached(url, first))[0] == 0, "and so it is forgotten"

            await post(url, "/reset_prefix_cache", {})
            assert (await cached(url, first))[0] == 0  # events are published with a step
            await eventually(lambda: heard.cleared)
            assert heard.held[-1] is None
            assert heard.events == []
            await watch.stop()

    run_on_loop(main, limit_s=500)
