"""Questions to the real vLLM of `vllm_server`."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

from support.raw_http import RawAnswer, exchange
from support.vllm_server import MODEL


def asked(text: str, tokens: int) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": MODEL, "messages": messages, "max_tokens": tokens, "ignore_eos": True}


async def ask_engine(url: str, body: dict[str, Any]) -> RawAnswer:
    """Past the gateway."""
    place = urlsplit(url)
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: vllm\r\nContent-Type: application/json"
    assert place.hostname is not None
    assert place.port is not None
    return await exchange(place.hostname, place.port, head, json.dumps(body).encode())


async def engine_is_idle(url: str) -> None:
    place = urlsplit(url)
    head = "GET /metrics HTTP/1.1\r\nHost: vllm\r\nConnection: close"
    async with asyncio.timeout(60):
        while True:
            page = (await exchange(place.hostname or "", place.port or 0, head, b"")).body.decode()
            lines = (line.split() for line in page.splitlines())
            shown = {
                line[0].split("{")[0]: float(line[-1])
                for line in lines
                if line and line[0].startswith("vllm:num_requests_")
            }
            if not shown["vllm:num_requests_running"] and not shown["vllm:num_requests_waiting"]:
                return
            await asyncio.sleep(0.2)
