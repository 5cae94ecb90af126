"""Who calls: an API key names tenant, application, trust domain, lane, models and limits.

Keys are kept as BLAKE2b keyed with a pepper and compared in constant time; nothing a client types but
its key has a say.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from evenhand.gateway.beneath import is_beneath
from evenhand.ledger import Budget
from evenhand.model import (
    ApplicationName,
    KeyId,
    LaneName,
    ModelName,
    Outcome,
    TenantPath,
    TrustDomain,
)
from evenhand.stores import Pepper

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


@dataclass(slots=True, eq=False, weakref_slot=True)
class KeyHolder:
    """An identity with what its key has open at this moment, whatever its secret is."""

    identity: Identity
    open_requests: int = 0


class Tokens(Protocol):
    """Callers who show something else than a key of ours. Asked only about what is no key."""

    def holder(self, token: str, digest: bytes) -> KeyHolder | None:
        """Whose token that is; None: nobody's. `digest` tells it from every other."""

    def complaint(self, digest: bytes) -> tuple[Outcome, str] | None:
        """Why `holder` has just said None, and what to do; None: it was no token at all."""


class Grant(NamedTuple):
    """A secret, by its digest, that opens the door until `ends_ms` of the wall clock; None: until it is
    taken out."""

    digest: bytes
    ends_ms: int | None = None


class KeyInForce(NamedTuple):
    """A key with the end of its last secret by the wall clock; None: it has none."""

    holder: KeyHolder
    ends_ms: int | None


@dataclass(frozen=True, slots=True)
class _Known:
    digest: bytes = field(repr=False)
    holder: KeyHolder
    ends_ms: int | None = None


class _Stored(NamedTuple):
    holder: KeyHolder
    indexes: tuple[bytes, ...]


class KeyRing:
    """All keys of a gateway: those of the configuration, and those of the state database, which come and
    go while it runs. Bounded by the two."""

    def __init__(self, keys: Iterable[tuple[str, Identity]], pepper: Pepper | None = None) -> None:
        """`keys` are the configuration's; `pepper` is the one of the database's digests."""
        self._pepper = pepper or Pepper.of_this_process()
        self._known: dict[bytes, _Known] = {}
        for key, identity in keys:
            digest = self._pepper.digest(key)
            assert digest[:_INDEX_BYTES] not in self._known, "two keys are the same"
            self._known[digest[:_INDEX_BYTES]] = _Known(digest, KeyHolder(identity))
        self._configured = frozenset(self._known)
        self._stored: dict[KeyId, _Stored] = {}
        self._nobody = _Known(secrets.token_bytes(32), KeyHolder(_NOBODY))
        self.trust_domains = {known.holder.identity.trust_domain for known in self._known.values()}
        """Of the configured keys, and of all that the state database ever had."""
        self.tokens: Tokens | None = None
        # By the wall clock, because the ends of keys are told in dates.
        self.wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    def holder(self, authorization: str | None) -> KeyHolder | None:
        """Whose `Authorization` header this is; None: nobody's. The same work is done for a key that
        is unknown as for one that is known."""
        if authorization is None:
            return None
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        digest = self._pepper.digest(secret.strip())
        holder = self.holder_of_digest(digest)
        if holder is None and self.tokens is not None:
            return self.tokens.holder(secret.strip(), digest)
        return holder

    def complaint(self, authorization: str | None) -> tuple[Outcome, str] | None:
        """Why `holder` has just said None, where there is more to say than that it is no key."""
        if authorization is None or self.tokens is None:
            return None
        return self.tokens.complaint(self._pepper.digest(authorization.partition(" ")[2].strip()))

    def digest(self, secret: str) -> bytes:
        """By what `holder_of_digest` knows the secret again."""
        return self._pepper.digest(secret)

    def holder_of_digest(self, digest: bytes) -> KeyHolder | None:
        """Whose key that is, by its digest; None: nobody's, or not any more."""
        # The index is the start of a keyed hash: its look-up time tells nothing of any key.
        known = self._known.get(digest[:_INDEX_BYTES], self._nobody)
        if not hmac.compare_digest(known.digest, digest):
            return None
        ends_ms = known.ends_ms
        if ends_ms is not None and ends_ms <= self.wall_ms():
            return None
        return known.holder

    @property
    def stored_keys(self) -> int:
        """Keys of the state database that are known, those too whose time is over."""
        return len(self._stored)

    def beneath(self, tenant: TenantPath) -> list["KeyInForce"]:
        """The keys of that node and of all beneath it, each once. O(keys)."""
        now_ms = self.wall_ms()
        found: dict[KeyId, KeyInForce] = {}
        for known in self._known.values():
            holder, ends_ms = known.holder, known.ends_ms
            identity = holder.identity
            is_over = ends_ms is not None and ends_ms <= now_ms
            if is_over or not is_beneath(identity.tenant, tenant):
                continue
            before = found.get(identity.key_id)
            if before is None or before.ends_ms is not None:  # a rotated key: its new secret counts
                found[identity.key_id] = KeyInForce(holder, ends_ms)
        return list(found.values())

    def with_budgets(self) -> list[Identity]:
        """Those that may use no more than so much in all, each once."""
        holders = {id(known.holder): known.holder for known in self._known.values()}
        identities = (holder.identity for holder in holders.values())
        return [identity for identity in identities if identity.budget is not None]

    def change(self, identity: Identity, grants: Sequence[Grant]) -> bool:
        """From here on the stored key has these secrets and no other. What it has open stays counted.
        False: a secret is one of the configuration's, whose word holds."""
        stored = self._stored.get(identity.key_id)
        self.take_out(identity.key_id)
        taken = {grant.digest[:_INDEX_BYTES]: grant for grant in grants}
        doubles = self._configured.intersection(taken)
        for index in doubles:
            del taken[index]
        if taken:
            holder = stored.holder if stored else KeyHolder(identity)
            holder.identity = identity
            self._stored[identity.key_id] = _Stored(holder, tuple(taken))
            for index, grant in taken.items():
                self._known[index] = _Known(grant.digest, holder, grant.ends_ms)
        return not doubles

    def configure(self, keys: Sequence[tuple[bytes, Identity]]) -> None:
        """From here on these, by their digests, are the configuration's keys in place of those that
        were. What a key that stays has open stays counted; those of the others run to their end."""
        before = {
            self._known[index].holder.identity.key_id: self._known.pop(index).holder
            for index in self._configured
        }
        for digest, identity in keys:
            index = digest[:_INDEX_BYTES]
            if index in self._known:
                self._let_go(self._known[index].holder, index)
            holder = before.get(identity.key_id) or KeyHolder(identity)
            holder.identity = identity
            self._known[index] = _Known(digest, holder)
            self.trust_domains.add(identity.trust_domain)
        self._configured = frozenset(digest[:_INDEX_BYTES] for digest, _ in keys)

    def reseat(self, seat: Callable[[Identity], Identity | None]) -> None:
        """Tenants or lanes have changed: what each stored key stands for from here on; None: nothing,
        it is nobody's."""
        for key_id, stored in list(self._stored.items()):
            identity = seat(stored.holder.identity)
            if identity is None:
                self.take_out(key_id)
            else:
                stored.holder.identity = identity

    def _let_go(self, holder: KeyHolder, index: bytes) -> None:
        """A secret of a stored key is the configuration's from here on, whose word holds."""
        key_id = holder.identity.key_id
        stored = self._stored[key_id]
        left = tuple(frozenset(stored.indexes) - {index})
        self._stored[key_id] = _Stored(holder, left)

    def take_out(self, key_id: KeyId) -> None:
        """From here on the stored key is nobody's, if it was somebody's; its open requests run to their
        end."""
        stored = self._stored.pop(key_id, None)
        for index in stored.indexes if stored else ():
            del self._known[index]


_NOBODY = Identity(
    key_id=KeyId("nobody"),
    tenant=("nobody",),
    application=ApplicationName("nobody"),
    trust_domain=TrustDomain("nobody"),
    lane=LaneName("nobody"),
    queue_wait_ms_max=0,
)
