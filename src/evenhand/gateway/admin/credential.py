"""Who may see more than whether the gateway is alive."""

import hashlib
import hmac
import re

from starlette.types import ASGIApp, Receive, Scope, Send

from evenhand.gateway.admin.answer import error_answer
from evenhand.model import Outcome

OPEN_PATHS = frozenset({"/livez", "/readyz"})
"""Probes come without a credential. Every other path wants it, also one that does not exist."""

_BEARER = re.compile(rb"(?i:bearer) +(.+)")
_WANTED = (
    "This page of the admin listener wants its own credential: send "
    "`Authorization: Bearer <credential>` with the value that `admin.credential` names in the "
    "configuration. API keys of tenants are not accepted."
)


class CredentialGate:
    """Lets a request through to `app` if its path is open or its credential is right.

    Without a credential everything is open; the configuration allows that on loopback only.
    """

    def __init__(self, app: ASGIApp, *, credential: str | None) -> None:
        assert credential != "", "an empty credential would be none"
        self._app = app
        self._wanted = None if credential is None else _digest(credential.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._wanted is None or scope["path"] in OPEN_PATHS or self._is_right(scope):
            await self._app(scope, receive, send)
            return
        answer = error_answer(
            Outcome.UNAUTHENTICATED, _WANTED, headers={"www-authenticate": "Bearer"}
        )
        await answer(scope, receive, send)

    def _is_right(self, scope: Scope) -> bool:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        match = _BEARER.fullmatch(sent[0]) if len(sent) == 1 else None
        assert self._wanted is not None
        # Digests are of one length and tell nothing of the credential by their order.
        return match is not None and hmac.compare_digest(_digest(match[1]), self._wanted)


def _digest(credential: bytes) -> bytes:
    return hashlib.sha256(credential).digest()
