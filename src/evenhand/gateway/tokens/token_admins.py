"""Tokens on the admin listener: a role that their claims give, or a tenant's own pages."""

from collections.abc import Callable

from evenhand.gateway.admin.access import NOBODY, Caller, Recogniser, Role, Shown
from evenhand.gateway.tokens.token_ring import Bearer, TokenRing


def token_admins(
    ring: TokenRing, digest_of: Callable[[str], bytes], wall_s: Callable[[], float]
) -> Recogniser:
    """Knows tokens. A session that began with one ends with it, and with every change of what is
    believed."""

    def recognise(credential: str) -> Shown | None:
        bearer = ring.bearer(credential, digest_of(credential))
        if bearer is None:
            return None
        caller = _caller(bearer)

        def now() -> Caller:
            is_good = bearer.ends_s > wall_s() and bearer.generation == ring.generation
            return caller if is_good else NOBODY

        return None if caller is NOBODY else Shown(caller, now)

    return recognise


def _caller(bearer: Bearer) -> Caller:
    name = f"jwt {bearer.issuer}/{bearer.subject}"
    if bearer.role is not None:
        return Caller(name, bearer.role)
    if bearer.holder is None:
        return NOBODY
    identity = bearer.holder.identity
    return Caller(name, Role.TENANT, identity.tenant, identity.key_id)
