"""One salt per trust domain, so that no tenant can probe another's prefix cache by timing."""

import hashlib
import hmac
import secrets
from collections.abc import Collection

from evenhand.model import TrustDomain


class CacheSalts:
    """Salts that nobody outside can compute. While all keys are of one domain there is nothing to
    keep apart, and engines without salts may reuse prompts.

    Bound to this process: after a restart prefix caches start cold.
    """

    def __init__(self, domains: Collection[TrustDomain]) -> None:
        secret = secrets.token_bytes(32)
        self._salts: dict[TrustDomain, str] = {}
        if len(domains) > 1:
            for domain in domains:
                self._salts[domain] = hmac.digest(secret, domain.encode(), hashlib.sha256).hex()

    def of(self, domain: TrustDomain) -> str | None:
        """The domain's salt; None while there is but one domain."""
        return self._salts.get(domain)
