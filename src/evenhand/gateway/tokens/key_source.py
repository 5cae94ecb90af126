"""Where the keys of an issuer come from: a file, or a URL of the configuration."""

import asyncio
import ssl
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import httptools

from evenhand.engines.http.address_class import addresses_of
from evenhand.gateway.tokens.key_set import BYTES_MAX

_TIMEOUT_S: Final = 10.0


class NoKeysError(Exception):
    """They could not be had; the message says why."""


class KeySource(Protocol):
    """Gives the document, as often as it is asked. Raises NoKeysError."""

    async def read(self) -> bytes:
        """The JWKS document."""


class FileSource:
    """See `KeySource`."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def read(self) -> bytes:
        return await asyncio.to_thread(self.read_now)

    def read_now(self) -> bytes:
        """The same, for whoever may wait for the disk."""
        try:
            with self._file.open("rb") as stream:
                data = stream.read(BYTES_MAX + 1)
        except OSError as error:
            raise NoKeysError(f"cannot be read ({error.strerror})") from None
        if len(data) > BYTES_MAX:
            raise NoKeysError(f"is larger than {BYTES_MAX} bytes")
        return data


class UrlSource:
    """See `KeySource`. One GET on a connection of its own: no redirect is followed, no proxy of the
    environment used, no more than `BYTES_MAX` read. The address is looked at as for engines."""

    def __init__(self, url: str, *, trust: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None, "the configuration has checked it"
        self._host = parts.hostname
        self._is_tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._is_tls else 80)
        self._trust = trust
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._request = (
            f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"
            "Connection: close\r\n\r\n"
        ).encode()

    async def read(self) -> bytes:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._read()
        except TimeoutError:
            raise NoKeysError(f"did not answer within {_TIMEOUT_S:.0f} s") from None
        except OSError as error:
            raise NoKeysError(f"cannot be reached ({error})") from None

    async def _read(self) -> bytes:
        addresses = await addresses_of(self._host, self._port, asyncio.get_running_loop())
        trust, name = None, None
        if self._is_tls:
            trust, name = self._trust or ssl.create_default_context(), self._host
        # The address that was looked at is the one that is connected to.
        reader, writer = await asyncio.open_connection(
            addresses[0], self._port, ssl=trust, server_hostname=name
        )
        try:
            writer.write(self._request)
            answer = _Answer()
            while not answer.is_whole and (data := await reader.read(65_536)):
                answer.feed(data)
        finally:
            writer.close()
        return answer.document()


class _Answer:
    """Told of by httptools."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._fed = 0
        self.is_whole = False

    def feed(self, data: bytes) -> None:
        self._fed += len(data)
        if self._fed > BYTES_MAX:
            raise NoKeysError(f"answered more than {BYTES_MAX} bytes")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            raise NoKeysError("did not answer in HTTP") from None

    def document(self) -> bytes:
        status = self._parser.get_status_code()
        if status != 200:
            raise NoKeysError(
                f"answered with status {status}" if status else "closed the connection"
            )
        if not self.is_whole:
            raise NoKeysError("broke its answer off")
        return bytes(self._body)

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        self.is_whole = True
