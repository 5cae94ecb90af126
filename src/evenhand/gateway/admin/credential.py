"""The admin listener's own credentials: each has a name and a role."""

import hashlib
import hmac
from collections.abc import Iterable

from evenhand.gateway.admin.access import NOBODY, Caller, Shown


class AdminCredentials:
    """Those of the configuration, by their digests. A configuration names few, so all are looked at each
    time."""

    def __init__(self, known: Iterable[tuple[Caller, str]] = ()) -> None:
        self._known: list[tuple[Caller, bytes]] = []
        self.replace(known)

    def __bool__(self) -> bool:
        return bool(self._known)

    def replace(self, known: Iterable[tuple[Caller, str]]) -> None:
        """From here on these are the credentials, and no others."""
        digests = []
        for caller, credential in known:
            assert credential, "an empty credential would be none"
            digests.append((caller, _digest(credential)))
        self._known = digests

    def recognise(self, credential: str) -> Shown | None:
        """See `Recogniser`."""
        digest = _digest(credential)
        caller = self._caller(digest)
        return None if caller is NOBODY else Shown(caller, lambda: self._caller(digest))

    def _caller(self, digest: bytes) -> Caller:
        found = NOBODY
        for caller, known in self._known:
            # Digests are of one length and tell nothing of the credential by their order.
            if hmac.compare_digest(known, digest):
                found = caller
        return found


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode("utf-8", "surrogateescape")).digest()
