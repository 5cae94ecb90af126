"""What the configuration says of an issuer: whom it speaks for, and what its claims mean here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evenhand.model import LaneName, ModelName, TrustDomain


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRule:
    """Where in the claims a value is. `values` translates it; a value that is not in there counts as
    absent. `default` stands for an absent one; None: there is none."""

    claim: str
    values: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None

    def value(self, claims: Mapping[str, Any]) -> str | None:
        """What the claims say, in our words. Of a list the first counts that `values` knows, in the
        order of `values`; without `values` a list must have one member."""
        said = _said(claims, self.claim)
        if self.values:
            known = next((ours for theirs, ours in self.values.items() if theirs in said), None)
        else:
            known = said[0] if len(said) == 1 else None
        return self.default if known is None else known


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRules:
    """One issuer. `tenant` None: its tokens are for the admin listener alone; `role` None: they open no
    more there than a tenant's key. `waits_ms` has every lane there is."""

    name: str
    issuer: str
    audience: str
    algorithms: frozenset[str]
    leeway_s: int
    tenant: ClaimRule | None
    application: ClaimRule | None
    trust_domain: ClaimRule | None
    lane: ClaimRule | None
    role: ClaimRule | None
    waits_ms: Mapping[LaneName, int] = field(default_factory=dict)
    models: frozenset[ModelName] | None = None
    open_requests_max: int | None = None
    output_tokens_max: int | None = None


def trust_domain_of(text: str | None, tenant: tuple[str, ...]) -> TrustDomain:
    """As for keys: the first name of the tenant, where nothing else is said."""
    return TrustDomain(tenant[0] if text is None else text)


def _said(claims: Mapping[str, Any], name: str) -> list[str]:
    """The texts at that claim; `a.b` is the member `b` of `a`, unless there is a claim of that very name
    (some are URLs)."""
    value: Any = claims.get(name)
    if value is None:
        value = claims
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
    found = value if isinstance(value, list) else [value]
    return [str(one) for one in found if isinstance(one, str | int) and not isinstance(one, bool)]
