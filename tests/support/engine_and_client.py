"""A scripted engine with a client connected to it, and the check that both leave nothing behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from evenhand.engines.http import Attempt, ClientSettings, EngineAddress, EngineClient
from support.answer_log import AnswerLog
from support.scripted_engine import ScriptedEngine

CHAT = "/v1/chat/completions"


@asynccontextmanager
async def engine_and_client(**settings: int) -> AsyncIterator[tuple[ScriptedEngine, EngineClient]]:
    """Fail if a socket, a task or an exception in a callback is left at the end."""
    unhandled: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    tasks_before = asyncio.all_tasks()
    async with ScriptedEngine() as engine:
        client = EngineClient(EngineAddress.parse(engine.url), ClientSettings(**settings))
        try:
            yield engine, client
        finally:
            await client.close()
        assert client.open_connections == client.idle_connections == 0
        await asyncio.gather(*(connection.gone.wait() for connection in engine.connections))
    assert asyncio.all_tasks() == tasks_before
    assert unhandled == []


def chat(client: EngineClient, log: AnswerLog, **body: Any) -> Attempt:
    """Post a chat request, streamed unless the body says otherwise."""
    sends_max = body.pop("sends_max", 2)
    data = json.dumps({"model": "model", "stream": True, **body}).encode()
    headers = [("content-type", "application/json")]
    return client.post(CHAT, data, headers, log, sends_max=sends_max)


async def chat_to_end(client: EngineClient, **body: Any) -> AnswerLog:
    """Post a chat request and hear its answer out."""
    log = AnswerLog()
    chat(client, log, **body)
    return await log.ended()
