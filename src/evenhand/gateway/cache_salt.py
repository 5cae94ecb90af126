"""One salt per trust domain, so that no tenant can probe another's prefix cache by timing."""

import hashlib
import hmac
import secrets

from evenhand.gateway.identity import KeyRing
from evenhand.model import TrustDomain


class CacheSalts:
    """Salts that nobody outside can compute. While all keys are of one domain there is nothing to
    keep apart, and engines without salts may reuse prompts. From the moment that a key of a second
    domain is made every request is salted, also when that key has ended: what an engine has cached
    outlives it.

    Bound to this process: after a restart prefix caches start cold.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._secret = secrets.token_bytes(32)
        # Bounded by the trust domains that keys ever had.
        self._salts: dict[TrustDomain, str] = {}
        self._domains: dict[str, TrustDomain] = {}

    def of(self, domain: TrustDomain) -> str | None:
        """The domain's salt; None while there is but one domain."""
        if len(self._keys.trust_domains) <= 1:
            return None
        salt = self._salts.get(domain)
        if salt is None:
            salt = hmac.digest(self._secret, domain.encode(), hashlib.sha256).hex()
            self._salts[domain], self._domains[salt] = salt, domain
        return salt

    def domain_of(self, salt: str | None) -> TrustDomain | None:
        """Whose prompts an engine keeps under a salt that it names; None: nobody's here. Without a salt
        it is the only domain's, while there is but one."""
        if salt is not None:
            return self._domains.get(salt)
        domains = self._keys.trust_domains
        return next(iter(domains)) if len(domains) == 1 else None
