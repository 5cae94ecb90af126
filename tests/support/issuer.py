"""An identity provider that publishes keys over HTTP, well or badly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Provider:
    """`document` is what it publishes; `raw` is sent instead, byte by byte as given, where set."""

    document: bytes
    raw: bytes | None = None
    asked: list[bytes] = field(default_factory=list)
    """The heads of all requests."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/keys"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(self.document)}\r\n\r\n".encode()
            writer.write(head + self.document if self.raw is None else self.raw)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the gateway had enough
        finally:
            writer.close()


@asynccontextmanager
async def publishing(document: bytes) -> AsyncIterator[Provider]:
    provider = Provider(document)
    server = await asyncio.start_server(provider.handle, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()
        await server.wait_closed()
