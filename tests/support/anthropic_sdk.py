"""The official `anthropic` Python SDK in front of a gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

from support.gateway import KEY_A, RunningGateway

MESSAGE: dict[str, Any] = {
    "model": "m",
    "max_tokens": 16,
    "messages": [{"role": "user", "content": "hello there"}],
}


class AnthropicSdk:
    """A client, and how many HTTP requests it has made."""

    def __init__(self, base_url: str, *, key: str = KEY_A, retries: int = 2) -> None:
        self.requests = 0
        http_client = DefaultAsyncHttpxClient(event_hooks={"request": [self._count]})
        self.client = AsyncAnthropic(
            base_url=base_url, api_key=key, max_retries=retries, http_client=http_client
        )

    async def _count(self, request: object) -> None:
        del request
        self.requests += 1


@asynccontextmanager
async def anthropic_sdk(g: RunningGateway, **more: Any) -> AsyncIterator[AnthropicSdk]:
    made = AnthropicSdk(g.url, **more)
    async with made.client:
        yield made
