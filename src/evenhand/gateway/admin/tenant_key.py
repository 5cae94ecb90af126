"""A tenant's own API key opens what the admin listener has for tenants."""

from evenhand.gateway.admin.access import NOBODY, Caller, Recogniser, Role, Shown
from evenhand.gateway.identity import KeyRing


def tenant_keys(keys: KeyRing) -> Recogniser:
    """Knows the keys of the data listener, in the same constant time as there."""

    def caller_of(digest: bytes) -> Caller:
        holder = keys.holder_of_digest(digest)
        if holder is None:
            return NOBODY
        identity = holder.identity
        return Caller(identity.key_id, Role.TENANT, identity.tenant, identity.key_id)

    def recognise(credential: str) -> Shown | None:
        digest = keys.digest(credential)
        caller = caller_of(digest)
        return None if caller is NOBODY else Shown(caller, lambda: caller_of(digest))

    return recognise
