"""Who calls: an API key names tenant, application, trust domain, lane, models and limits.

Keys are kept as BLAKE2b keyed with a secret of this process and compared in constant time; nothing a
client types but its key has a say.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from evenhand.ledger import Budget
from evenhand.model import (
    ApplicationName,
    KeyId,
    LaneName,
    ModelName,
    TenantPath,
    TrustDomain,
)

_BEARER = "bearer "
_INDEX_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What one key stands for. `key_id` names the key in the ledger. `models` None: every model.
    `budget` None: no limit to what it may use in all."""

    key_id: KeyId
    tenant: TenantPath
    application: ApplicationName
    trust_domain: TrustDomain
    lane: LaneName
    queue_wait_ms_max: int
    models: frozenset[ModelName] | None = None
    open_requests_max: int | None = None
    output_tokens_max: int | None = None
    budget: Budget | None = None


@dataclass(slots=True, eq=False)
class KeyHolder:
    """An identity with what its key has open at this moment."""

    identity: Identity
    digest: bytes = field(repr=False)
    open_requests: int = 0


class KeyRing:
    """All keys of a gateway. Bounded by the configuration."""

    def __init__(self, keys: Iterable[tuple[str, Identity]]) -> None:
        self._pepper = secrets.token_bytes(32)
        self._holders: dict[bytes, KeyHolder] = {}
        for key, identity in keys:
            digest = self._digest(key)
            assert digest[:_INDEX_BYTES] not in self._holders, "two keys are the same"
            self._holders[digest[:_INDEX_BYTES]] = KeyHolder(identity, digest)
        self._nobody = KeyHolder(_NOBODY, secrets.token_bytes(32))

    def holder(self, authorization: str | None) -> KeyHolder | None:
        """Whose `Authorization` header this is; None: nobody's. The same work is done for a key that
        is unknown as for one that is known."""
        if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
            return None
        digest = self._digest(authorization[len(_BEARER) :].strip())
        # The index is the start of a keyed hash: its look-up time tells nothing of any key.
        holder = self._holders.get(digest[:_INDEX_BYTES], self._nobody)
        return holder if hmac.compare_digest(holder.digest, digest) else None

    def trust_domains(self) -> set[TrustDomain]:
        return {holder.identity.trust_domain for holder in self._holders.values()}

    def _digest(self, key: str) -> bytes:
        # As good a keyed hash as HMAC, without a walk through OpenSSL at every request.
        text = key.encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, key=self._pepper, digest_size=32).digest()


_NOBODY = Identity(
    key_id=KeyId("nobody"),
    tenant=("nobody",),
    application=ApplicationName("nobody"),
    trust_domain=TrustDomain("nobody"),
    lane=LaneName("nobody"),
    queue_wait_ms_max=0,
)
