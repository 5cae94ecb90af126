"""TLS between a socket and its connection, which is told of plain bytes alone.

The loop's own TLS is not used: its transport has no half-close, buffers where nobody sees it, and tells
nobody of a connection before its handshake is done. Here the connection exists from the accept on, so
that its count, its deadline and its place in the drain hold for the handshake too.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from evenhand.gateway.tls.certificate import Certificate
from evenhand.gateway.tls.transport import TlsTransport

_READ_BYTES = 64 * 1024
# What TLS itself may answer over the life of a connection, such as to updates of keys: a thousand of
# them, and not as many as a client likes to send that reads nothing.
_REPLY_BYTES_MAX = 64 * 1024
_PLAIN_HTTP = frozenset({"HTTP_REQUEST", "HTTPS_PROXY_REQUEST"})


class TlsLayer(asyncio.Protocol):
    """Speaks TLS on its transport for `inner`, with the pair that is in force now.

    `answer_to_plain_http` gives the bytes for a client that speaks plain HTTP to us; it is closed after
    them. Every other failed handshake ends with TLS's own alert, and counts at the certificate.
    """

    _raw: asyncio.Transport
    _tls: TlsTransport

    def __init__(
        self,
        inner: asyncio.Protocol,
        certificate: Certificate,
        *,
        answer_to_plain_http: Callable[[], bytes] | None = None,
    ) -> None:
        self._inner = inner
        self._certificate = certificate
        self._answer_to_plain_http = answer_to_plain_http
        self._has_received = False
        self._reply_bytes = 0
        self._client_left = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast("asyncio.Transport", transport)
        self._tls = TlsTransport(self._raw, self._certificate.context)
        self._inner.connection_made(self._tls)

    def data_received(self, data: bytes) -> None:
        tls = self._tls
        if tls.has_ended:
            if tls.is_established:
                # It is thrown away; the connection counts it, and that needs no key.
                self._inner.data_received(data)
            return
        self._has_received = True
        tls.incoming.write(data)
        if tls.is_established or self._handshake():
            self._read()

    def eof_received(self) -> None:
        # As without TLS: the transport closes itself then, after what is written.
        if self._tls.is_established:
            self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._has_received and not self._tls.is_established:
            self._certificate.handshakes_failed += 1
        self._tls.has_ended = True
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def _handshake(self) -> bool:
        """Go on with the handshake; say whether it is done. OpenSSL bounds its bytes, the connection's
        first deadline its time."""
        try:
            self._tls.session.do_handshake()
        except ssl.SSLWantReadError:
            self._tls.flush()
            return False
        except ssl.SSLError as error:
            if error.reason in _PLAIN_HTTP and self._answer_to_plain_http is not None:
                self._raw.write(self._answer_to_plain_http())
            else:
                self._tls.flush()
            self._tls.close()
            return False
        self._tls.established()
        return True

    def _read(self) -> None:
        tls = self._tls
        while not tls.has_ended:
            try:
                data = tls.session.read(_READ_BYTES)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                data = b""
            except ssl.SSLError:
                tls.abort()
                return
            if not data:
                self._leave()
                return
            self._send_replies()
            self._inner.data_received(data)
        self._send_replies()

    def _send_replies(self) -> None:
        """Send what TLS itself has to answer to what was read."""
        self._reply_bytes += self._tls.flush()
        if self._reply_bytes > _REPLY_BYTES_MAX:
            self._tls.abort()

    def _leave(self) -> None:
        """The client sends no more, by the end of its TLS stream, by FIN, or by both."""
        if self._client_left:
            return
        self._client_left = True
        if not self._inner.eof_received():
            self._tls.close()
