"""The one credential of the configuration, which may do everything."""

import hashlib
import hmac
import re

from starlette.types import Scope

from evenhand.gateway.admin.access import NOBODY, Caller, Role

_BEARER = re.compile(rb"(?i:bearer) +(.+)")
_OWNER = Caller("admin", Role.OWNER)


class OneCredential:
    """See `Access`. Without a credential everybody is the owner; the configuration allows that on
    loopback only."""

    def __init__(self, credential: str | None) -> None:
        assert credential != "", "an empty credential would be none"
        self._wanted = None if credential is None else _digest(credential.encode())

    async def caller(self, scope: Scope) -> Caller:
        if self._wanted is None:
            return _OWNER
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        match = _BEARER.fullmatch(sent[0]) if len(sent) == 1 else None
        # Digests are of one length and tell nothing of the credential by their order.
        is_right = match is not None and hmac.compare_digest(_digest(match[1]), self._wanted)
        return _OWNER if is_right else NOBODY


def _digest(credential: bytes) -> bytes:
    return hashlib.sha256(credential).digest()
