"""Tokens of an identity provider for tests: its keys, its JWKS document, and whatever it signs."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from evenhand.gateway.identity import KeyRing
from evenhand.gateway.tokens import ClaimRule, IssuerRules, TokenRing
from evenhand.gateway.tokens.key_set import KeySet, read_key_set
from evenhand.gateway.tokens.verification import Issuer
from evenhand.model import LaneName
from support.desk import Clock
from support.gateway import KEY_A, identity

ISSUER, AUDIENCE = "https://login.example.org", "evenhand"

RSA = rsa.generate_private_key(65_537, 2_048)
OTHER_RSA = rsa.generate_private_key(65_537, 2_048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, key_id: str | None, **more: Any) -> dict[str, Any]:
    """The public half, as an issuer publishes it."""
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        form = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        form = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        form = OKPAlgorithm.to_jwk(public, as_dict=True)
    named = {} if key_id is None else {"kid": key_id}
    return {**form, **named, **more}


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


ALL = jwks(jwk(RSA, "rsa"), jwk(EC, "ec"), jwk(ED, "ed"))


def token(
    key: Any = RSA,
    *,
    algorithm: str = "RS256",
    key_id: str | None = "rsa",
    without: tuple[str, ...] = (),
    header: dict[str, Any] | None = None,
    claims: dict[str, Any] | None = None,
    **more: Any,
) -> str:
    """Signed, for us, for ten minutes, unless told otherwise."""
    now_s = int(time.time())
    usual: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "tenant": "a"}
    usual |= {"iat": now_s, "exp": now_s + 86_400, **(claims or {}), **more}
    for name in without:
        del usual[name]
    headers = ({} if key_id is None else {"kid": key_id}) | (header or {})
    return jwt.encode(usual, key, algorithm, headers=headers)


def rules(**more: Any) -> IssuerRules:
    values: dict[str, Any] = {
        "name": "corp",
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "algorithms": frozenset({"RS256", "ES256", "EdDSA"}),
        "leeway_s": 30,
        "tenant": ClaimRule(claim="tenant"),
        "application": None,
        "trust_domain": None,
        "lane": None,
        "role": None,
        "waits_ms": {LaneName("default"): 10_000, LaneName("batch"): 60_000},
    }
    return IssuerRules(**(values | more))


@dataclass
class Ring:
    """A key ring that takes tokens; the clocks are the test's."""

    rules: IssuerRules = field(default_factory=rules)
    document: bytes = ALL
    wall: Clock = field(default_factory=lambda: Clock(time.time()))
    clock: Clock = field(default_factory=Clock)
    wanted: int = 0

    def __post_init__(self) -> None:
        self.keys = KeyRing([(KEY_A, identity("a", key_id="env:a"))])
        self.set = KeySet()
        self.set.renew(read_key_set(self.document), self.clock.now_s)
        self.accepted: list[Any] = []
        self.tokens = TokenRing(
            exists=lambda path: path in {("a",), ("b",), ("acme", "search")},
            meet=self.keys.trust_domains.add,
            told=self.accepted.append,
            wall_s=self.wall,
            now_s=self.clock,
        )
        self.tokens.replace({ISSUER: Issuer(self.rules, self.set, self._want)})
        self.keys.tokens = self.tokens

    def _want(self) -> None:
        self.wanted += 1

    def holder(self, text: str) -> Any:
        return self.keys.holder(f"Bearer {text}")

    def complaint(self, text: str) -> str:
        """Why it opens nothing."""
        assert self.holder(text) is None
        told = self.keys.complaint(f"Bearer {text}")
        assert told is not None
        return told[1]
