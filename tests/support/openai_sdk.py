"""The official `openai` Python SDK in front of a gateway, with its HTTP requests counted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from support.gateway import KEY_A, RunningGateway

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello there"}]}


class Sdk:
    """A client, and how many HTTP requests it has made."""

    def __init__(self, base_url: str, *, key: str = KEY_A, retries: int = 2) -> None:
        self.requests = 0
        http_client = DefaultAsyncHttpxClient(event_hooks={"request": [self._count]})
        self.client = AsyncOpenAI(
            base_url=base_url, api_key=key, max_retries=retries, http_client=http_client
        )

    async def _count(self, request: object) -> None:
        del request
        self.requests += 1


@asynccontextmanager
async def sdk(g: RunningGateway, **more: Any) -> AsyncIterator[Sdk]:
    made = Sdk(f"{g.url}/v1", **more)
    async with made.client:
        yield made


async def chat(client: AsyncOpenAI) -> Any:
    return await client.chat.completions.create(**ASK)
