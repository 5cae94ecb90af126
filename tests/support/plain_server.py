"""A bare server of one handler, for engines that behave too badly to be scripted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def client_of(handler: Handler) -> AsyncIterator[EngineClient]:
    """Give a client of an engine that handles each connection so, reading 1 KiB ahead at most."""
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await handler(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=1024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = EngineClient(EngineAddress.parse(url), ClientSettings())
    try:
        yield client
    finally:
        await client.close()
        for writer in writers:
            writer.transport.abort()
        server.close()
        await server.wait_closed()
    assert client.open_connections == 0
