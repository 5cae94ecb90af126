"""A client that hides nothing: raw sockets, whole answers, event by event, leaving at will."""

import asyncio
import contextlib
import json
import ssl
from dataclasses import dataclass
from typing import Any


@dataclass
class RawAnswer:
    """A whole answer, chunked framing removed; `is_whole` False if the connection broke it off."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_whole: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __iter__(self) -> Any:
        return iter((self.status, self.headers, self.body))


class RawStream:
    """An answer that is being read. Close it, or read it to its end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_whole = False
        self._buffer = b""

    def begin_next(self) -> None:
        """The next answer on this connection is to be read."""
        self.status = 0
        self.headers = {}
        self.is_whole = False
        self._buffer = b""

    async def head(self) -> int:
        """The status, once the head has come."""
        if not self.status:
            raw = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = raw.decode("latin-1").strip().split("\r\n")
            self.status = int(first.split()[1])
            for line in lines:
                name, _, value = line.partition(":")
                self.headers[name.lower()] = value.strip()
        return self.status

    async def event(self) -> bytes | None:
        """The data of the next event; None at the end of the answer, proper or not."""
        while b"\n\n" not in self._buffer:
            piece = await self.piece()
            if piece is None:
                return None
            self._buffer += piece
        event, _, self._buffer = self._buffer.partition(b"\n\n")
        return event.removeprefix(b"data: ")

    async def events(self) -> list[bytes]:
        """All that are left."""
        found = []
        while (event := await self.event()) is not None:
            found.append(event)
        return found

    async def piece(self) -> bytes | None:
        """The next chunk of the body; None at its end."""
        await self.head()
        try:
            if self.headers.get("transfer-encoding") == "chunked":
                size = int(await self.reader.readuntil(b"\r\n"), 16)
                data = (await self.reader.readexactly(size + 2))[:-2]
                self.is_whole = size == 0
                return data or None
            if self.is_whole:
                return None
            data = await self.reader.readexactly(int(self.headers["content-length"]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        self.is_whole = True
        return data or None

    async def answer(self) -> RawAnswer:
        """The rest as a whole."""
        body = b""
        while (piece := await self.piece()) is not None:
            body += piece
        return RawAnswer(self.status, self.headers, body, self.is_whole)

    def leave(self) -> None:
        """Close at once, as a client does that is killed."""
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):  # the other side was first
            await self.writer.wait_closed()


async def open_stream(
    host: str, port: int, head: str, body: bytes, *, tls: ssl.SSLContext | None = None
) -> RawStream:
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    writer.write(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return RawStream(reader, writer)


async def exchange(
    host: str, port: int, head: str, body: bytes, *, tls: ssl.SSLContext | None = None
) -> RawAnswer:
    async with asyncio.timeout(20):
        stream = await open_stream(host, port, head, body, tls=tls)
        try:
            return await stream.answer()
        finally:
            await stream.close()
