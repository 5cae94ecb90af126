"""Bodies and answers of responses and messages that nobody should send: each has one ending, none costs
more than it says, and nothing falls over."""

import json
import random
from typing import Any

import pytest

from support.gateway import Backend, gateway
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine

PATHS = ("/v1/responses", "/v1/messages")
GOOD: dict[str, dict[str, Any]] = {
    "/v1/responses": {"model": "m", "input": "hello", "max_output_tokens": 5},
    "/v1/messages": {
        "model": "m",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "hello"}],
    },
}
NAMES = [
    *("model", "input", "messages", "max_tokens", "max_output_tokens", "stream", "tools", "system"),
    *("instructions", "previous_response_id", "store", "content", "source", "type", "output"),
    *("n", "STREAM", "Input", "\ud800", "text", "cache_salt", "vllm_xargs", "prompt", "usage"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, 10**30, 1e308, "", "m", "x" * 2_000, "\ud800", "\u0000"),
    *([], {}, [[]], [{}], [None], [7], {"type": 7}, {"type": "function"}),
]


def value(dice: random.Random, depth: int) -> Any:
    kind = dice.random()
    if depth and kind < 0.25:
        return [value(dice, depth - 1) for _ in range(dice.randrange(4))]
    if depth and kind < 0.5:
        return {dice.choice(NAMES): value(dice, depth - 1) for _ in range(dice.randrange(4))}
    return dice.choice(VALUES)


def forged(dice: random.Random, path: str) -> bytes:
    """A good body with some members changed; sometimes its bytes are cut or doubled besides."""
    body = {**GOOD[path], **{dice.choice(NAMES): value(dice, 4) for _ in range(dice.randrange(4))}}
    data = json.dumps(body).encode()
    at = dice.randrange(len(data))
    if (kind := dice.random()) < 0.1:
        return data[:at]
    return data[:at] + data[at - 1 :] if kind < 0.2 else data


@pytest.mark.parametrize("path", PATHS)
def test_any_body_has_one_answer(path: str) -> None:
    async def main() -> None:
        dice = random.Random(f"bodies {path}")
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(raw=_WHOLE[path])
            statuses = [(await g.post(forged(dice, path), path=path)).status for _ in range(250)]
            assert set(statuses) <= {200, 400, 403, 404}
            assert min(statuses.count(200), statuses.count(400)) > 20
            assert len(engine.requests) == statuses.count(200)
            assert all(len(json.loads(r.body)) for r in engine.requests)

    run_on_loop(main, 60)


def _answer(document: dict[str, Any]) -> bytes:
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


_WHOLE = {
    "/v1/responses": _answer({"id": "r", "output": [], "usage": {"input_tokens": 1}}),
    "/v1/messages": _answer({"id": "m", "content": [], "usage": {"input_tokens": 1}}),
}
KINDS = [
    *("response.created", "response.completed", "response.failed", "response.output_text.delta"),
    *("message_start", "message_delta", "message_stop", "content_block_delta", "error", "ping"),
]
MEMBERS = ["response", "message", "usage", "delta", "id", "model", "error", "type", "input_tokens"]


def stream(dice: random.Random) -> bytes:
    """Events that make little sense, in any order, some of them cut."""
    events = []
    for _ in range(dice.randrange(1, 8)):
        kind = dice.choice(KINDS)
        document = {"type": kind} | {dice.choice(MEMBERS): value(dice, 3) for _ in range(3)}
        event = f"event: {kind}\ndata: {json.dumps(document)}\n\n".encode()
        events.append(event[: dice.randrange(len(event))] if dice.random() < 0.1 else event)
    return b"".join(events)


@pytest.mark.parametrize("path", PATHS)
def test_any_stream_of_an_engine_has_one_ending(path: str) -> None:
    async def main() -> None:
        dice = random.Random(f"streams {path}")
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            for _ in range(150):
                engine.default = Answer(sse=stream(dice), bytes_per_write=dice.choice((None, 7)))
                answer = await g.stream({**GOOD[path], "stream": True}, path=path)
                await answer.events()
                assert await answer.head() in (200, 502, 400)
            records = await g.ended(150)
            assert all(record["output_tokens"] <= 100_000_000 for record in records)
            assert {record["outcome"] for record in records} >= {"completed", "engine_failed"}

    run_on_loop(main, 60)
