"""The tokens that are known: verified once, and then as quick as a key until they expire."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from evenhand.gateway.admin.access import Role
from evenhand.gateway.identity import Identity, KeyHolder
from evenhand.gateway.tokens.rules import ClaimRule, IssuerRules, trust_domain_of
from evenhand.gateway.tokens.verification import (
    Complaint,
    Issuer,
    Verified,
    looks_like_token,
    verify,
)
from evenhand.model import ApplicationName, KeyId, LaneName, Outcome, TenantPath, TrustDomain

TOKENS_MAX: Final = 16_384
COMPLAINTS_MAX: Final = 1_024
COMPLAINT_S: Final = 1.0
"""So long a token that was refused is not looked at again."""
NAMES_MAX: Final = 1_000
"""Applications, and trust domains, that free claims of tokens may bring up: each has an account in the
ledger, or a salt."""
_SUBJECT_CHARS_MAX: Final = 200
_DEFAULT: Final = "default"
"""The lane and the application of whom nothing else is said."""
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever shows the token. `holder` None: it opens the admin listener alone; `role` None: nothing
    there but a tenant's own pages."""

    issuer: str
    subject: str
    holder: KeyHolder | None
    role: Role | None
    ends_s: float
    generation: int


class TokenRing:
    """Bounded by `TOKENS_MAX`: the token that was unused for longest is forgotten, and verified anew.

    `exists` says whether a path is a tenant that requests can belong to; `meet` is told of every trust
    domain before somebody of it is let in; `told` of every token that is let in for the first time."""

    def __init__(
        self,
        *,
        exists: Callable[[TenantPath], bool],
        meet: Callable[[TrustDomain], None],
        told: Callable[[Bearer], None] = lambda _: None,
        wall_s: Callable[[], float] = time.time,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exists = exists
        self._meet = meet
        self._told = told
        self._wall_s = wall_s
        self._now_s = now_s
        self._issuers: Mapping[str, Issuer] = {}
        self._known: OrderedDict[bytes, Bearer] = OrderedDict()
        self._complaints: OrderedDict[bytes, tuple[Complaint, float]] = OrderedDict()
        # One for all tokens of a subject, so that what it has open is counted together.
        self._holders: WeakValueDictionary[tuple[str, Identity], KeyHolder] = WeakValueDictionary()
        self._domains: set[TrustDomain] = set()
        self._applications: set[ApplicationName] = set()
        self.generation = 0
        """Of what is believed; a session of an earlier one is over."""

    def __len__(self) -> int:
        return len(self._known)

    def replace(self, issuers: Mapping[str, Issuer]) -> None:
        """From here on these are believed, by their `iss`, and no others."""
        self._issuers = issuers
        self.forget()

    def forget(self) -> None:
        """Look at every token anew: keys, or what claims mean, have changed."""
        self.generation += 1
        self._known.clear()
        self._complaints.clear()

    def holder(self, token: str, digest: bytes) -> KeyHolder | None:
        """Who may use the data listener with it; None: nobody, and `complaint` says why."""
        bearer = self.bearer(token, digest)
        return None if bearer is None else bearer.holder

    def complaint(self, digest: bytes) -> Complaint | None:
        """Why the token that was shown last moment opened nothing; None: it was none, or it did."""
        bearer = self._known.get(digest)
        if bearer is not None and bearer.holder is None:
            return Complaint(Outcome.NO_TENANT, _ADMIN_ONLY)
        complaint, _ = self._complaints.get(digest, (None, 0.0))
        return complaint

    def bearer(self, token: str, digest: bytes) -> Bearer | None:
        """Whose token it is; `digest` tells it from every other."""
        known = self._known.get(digest)
        if known is not None and known.ends_s > self._wall_s():
            self._known.move_to_end(digest)
            return known
        if not looks_like_token(token):
            return None
        _, until_s = self._complaints.get(digest, (None, 0.0))
        if until_s > self._now_s():
            return None
        self._known.pop(digest, None)
        return self._admit(token, digest)

    def _admit(self, token: str, digest: bytes) -> Bearer | None:
        verified = verify(token, self._issuers, self._wall_s(), self._now_s())
        found = verified if isinstance(verified, Complaint) else self._bearer(verified)
        if isinstance(found, Complaint):
            self._complaints[digest] = (found, self._now_s() + COMPLAINT_S)
            if len(self._complaints) > COMPLAINTS_MAX:
                self._complaints.popitem(last=False)
            return None
        self._known[digest] = found
        if len(self._known) > TOKENS_MAX:
            self._known.popitem(last=False)
        self._told(found)
        return found

    def _bearer(self, verified: Verified) -> Bearer | Complaint:
        rules, claims = verified.issuer.rules, verified.claims
        subject = _printable(str(claims["sub"]))
        role = rules.role.value(claims) if rules.role else None
        identity = self._identity(rules, claims)
        if isinstance(identity, Complaint) and role is None:
            return identity
        holder = None
        if isinstance(identity, Identity):
            key = (subject, identity)
            holder = self._holders.get(key) or self._holders.setdefault(key, KeyHolder(identity))
        return Bearer(
            rules.name,
            subject,
            holder,
            None if role is None else Role[role.upper()],
            verified.ends_s,
            self.generation,
        )

    def _identity(self, rules: IssuerRules, claims: Mapping[str, object]) -> Identity | Complaint:
        if rules.tenant is None:
            return Complaint(Outcome.NO_TENANT, _ADMIN_ONLY)
        tenant = self._tenant(rules, claims)
        if isinstance(tenant, Complaint):
            return tenant
        named = rules.application.value(claims) if rules.application else None
        application = ApplicationName(named or _DEFAULT)
        lane = LaneName((rules.lane.value(claims) if rules.lane else _DEFAULT) or "")
        if lane not in rules.waits_ms:
            return _unfit(rules.lane, lane or None, "lane")
        domain = trust_domain_of(
            rules.trust_domain.value(claims) if rules.trust_domain else None, tenant
        )
        for name, names in ((application, self._applications), (domain, self._domains)):
            if not _take(name, names):  # type: ignore[arg-type] # each is of its set's own type
                return Complaint(Outcome.NO_TENANT, _TOO_MANY_NAMES)
        self._meet(domain)
        return Identity(
            key_id=KeyId(f"jwt:{rules.name}"),
            tenant=tenant,
            application=application,
            trust_domain=domain,
            lane=lane,
            queue_wait_ms_max=rules.waits_ms[lane],
            models=rules.models,
            open_requests_max=rules.open_requests_max,
            output_tokens_max=rules.output_tokens_max,
        )

    def _tenant(self, rules: IssuerRules, claims: Mapping[str, object]) -> TenantPath | Complaint:
        assert rules.tenant is not None
        text = rules.tenant.value(claims)
        path = tuple((text or "").split("/"))
        return path if self._exists(path) else _unfit(rules.tenant, text, "tenant")


_ADMIN_ONLY = (
    "Your token is good, but says nothing of a tenant, so it opens the admin listener alone. Ask the "
    "operator for an API key, or for a claim that names your tenant."
)
_TOO_MANY_NAMES = (
    "Your token is good, but its issuer has named too many applications or trust domains already. The "
    "operator can translate that claim with `values` in the configuration."
)


def _unfit(rule: ClaimRule | None, said: str | None, what: str) -> Complaint:
    claim = "(none)" if rule is None else rule.claim
    word = "names none" if said is None else f"says {said[:100]!r}"
    message = (
        f"Your token is good, but its claim {claim!r} {word}, and this gateway has no such {what}. Ask "
        "its operator to add it, or to translate the claim."
    )
    return Complaint(Outcome.NO_TENANT, message)


def _printable(text: str) -> str:
    """It goes into logs and the audit."""
    return "".join(c if c.isprintable() else "?" for c in text[:_SUBJECT_CHARS_MAX])


def _take(name: str, names: set[str]) -> bool:
    """Note a name that came from claims. False: it has no form of one, or there are too many."""
    if name in names:
        return True
    if len(names) >= NAMES_MAX or not _NAME.fullmatch(name):
        return False
    names.add(name)
    return True
