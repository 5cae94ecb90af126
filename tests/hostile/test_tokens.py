"""Tokens that are not what they should be open nothing, and each is told why."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from evenhand.gateway.tokens import ClaimRule
from evenhand.gateway.tokens.key_set import GRACE_S, STALE_S_MAX, KeySetError, read_key_set
from evenhand.gateway.tokens.token_ring import COMPLAINT_S, NAMES_MAX
from evenhand.gateway.tokens.verification import TOKEN_CHARS_MAX
from support.gateway import KEY_A
from support.tokens import ALL, EC, ED, ISSUER, OTHER_RSA, RSA, Ring, jwk, jwks, rules, token


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(header: object, claims: object, signature: str = "") -> str:
    return f"{part(header)}.{part(claims)}.{signature}"


GOOD = {"iss": ISSUER, "aud": "evenhand", "sub": "x", "tenant": "a", "exp": time.time() + 600}


def hmac_with_public_key() -> str:
    """The classic: the public key, which everybody has, taken for a shared secret."""
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'rsa'})}.{part(GOOD)}"
    digest = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (unsigned({"alg": "none"}, GOOD), "not allowed"),
        (unsigned({"alg": "None", "kid": "rsa"}, GOOD), "not allowed"),
        (unsigned({"alg": "RS256", "kid": "rsa"}, GOOD), "signature"),
        (unsigned({"alg": "RS256", "kid": "rsa"}, GOOD, "AAAA"), "signature"),
        (unsigned({"alg": ["RS256"], "kid": "rsa"}, GOOD, "AAAA"), "not allowed"),
        (unsigned({"alg": "RS256", "kid": {"a": 1}}, GOOD, "AAAA"), "cannot be read"),
        (hmac_with_public_key(), "not allowed"),
        (token(OTHER_RSA), "signature"),
        (token(EC, algorithm="ES256"), "signature"),
        (token(RSA, algorithm="RS512"), "not allowed"),
        (token(key_id="unknown"), "not published"),
        (token(key_id=None), "not published"),
        (token(iss="https://evil.example"), "not configured"),
        (unsigned({"alg": "RS256"}, GOOD | {"iss": [ISSUER]}), "issuer"),
        (token(aud="another"), "another audience"),
        (token(aud=["another", "third"]), "another audience"),
        (token(exp=int(time.time()) - 31), "expired"),
        (token(exp=0), "expired"),
        (token(exp=10**400), "expired"),
        (token(nbf=int(time.time()) + 86_400, exp=int(time.time()) + 90_000), "not valid yet"),
        (token(without=("exp",)), "expired"),
        (token(without=("aud",)), "aud"),
        (token(without=("iss",)), "issuer"),
        (token(without=("sub",)), "sub"),
        (token(sub=7), "signature"),
        (token(header={"crit": ["exp"]}), "cannot be read"),
        (token(tenant="b/c"), "no such tenant"),
        (token(tenant="../a"), "no such tenant"),
        (token(tenant=["a", "b"]), "names none"),
        (token(tenant={"a": "a"}), "names none"),
        (token(tenant=True), "names none"),
        (token(tenant=""), "no such tenant"),
        (token(without=("tenant",)), "names none"),
        (token(tenant="a", note="x" * TOKEN_CHARS_MAX), "longer than"),
        ("eyJ.eyJ.x", "cannot be read"),
        ("ey..", "cannot be read"),
        (unsigned({"alg": "RS256"}, []), "cannot be read"),
        (f"{part({'alg': 'RS256'})}.{'W' * 4000}.x", "cannot be read"),
    ],
)
def test_a_token_that_is_not_right_opens_nothing(text: str, why: str) -> None:
    assert why in Ring().complaint(text)


def test_a_right_one_does_with_each_algorithm_that_is_allowed() -> None:
    ring = Ring()
    for text in (
        token(),
        token(EC, algorithm="ES256", key_id="ec"),
        token(ED, algorithm="EdDSA", key_id="ed"),
        token(aud=["other", "evenhand"]),
        token(exp=int(time.time()) - 5),
        token(nbf=int(time.time()) + 5),
    ):
        holder = ring.holder(text)
        assert holder is not None, ring.complaint(text)
        assert holder.identity.tenant == ("a",)
        assert holder.identity.key_id == "jwt:corp"
        assert holder.identity.trust_domain == "a"


def test_a_token_ends_to_the_second_however_often_it_was_shown() -> None:
    ring = Ring()
    ends = int(ring.wall.now_s) + 60
    text = token(exp=ends)
    assert ring.holder(text) is not None
    ring.wall.now_s = ends + 29.0
    assert ring.holder(text) is not None, "the clocks may differ by so much"
    ring.wall.now_s = ends + 30.0
    assert ring.holder(text) is None


def test_a_token_is_verified_once() -> None:
    ring = Ring()
    text = token()
    first = ring.holder(text)
    assert ring.holder(text) is first
    assert len(ring.accepted) == 1
    # A changed last character that decodes to the same bytes is another text, and verified by itself.
    assert len(ring.tokens) == 1


def test_what_a_subject_has_open_is_counted_over_all_its_tokens() -> None:
    ring = Ring()
    one, other = ring.holder(token(jti="1")), ring.holder(token(jti="2"))
    assert one is other
    assert ring.holder(token(sub="bob")) is not one


def test_a_refused_token_costs_little_for_a_moment_and_is_then_looked_at_again() -> None:
    ring = Ring(document=jwks(jwk(EC, "ec")))
    text = token()
    assert "not published" in ring.complaint(text)
    ring.set.renew(read_key_set(ALL), ring.clock.now_s)
    assert ring.holder(text) is None
    ring.clock.now_s += COMPLAINT_S
    assert ring.holder(text) is not None


def test_an_unknown_key_is_asked_for() -> None:
    ring = Ring(document=jwks(jwk(EC, "ec")))
    ring.complaint(token())
    assert ring.wanted == 1


def test_a_key_that_vanished_is_taken_for_a_while_and_its_tokens_end_with_it() -> None:
    ring = Ring()
    text = token()
    assert ring.set.renew(read_key_set(jwks(jwk(EC, "ec"))), ring.clock.now_s)
    ring.tokens.forget()
    assert ring.holder(text) is not None
    for clock in (ring.clock, ring.wall):
        clock.now_s += GRACE_S + 1
    assert ring.holder(text) is None, "though it was known, and has not expired"
    assert "not published" in ring.complaint(text)


def test_keys_that_nobody_could_renew_for_a_day_are_not_believed() -> None:
    ring = Ring()
    text = token(exp=int(ring.wall.now_s) + 10 * int(STALE_S_MAX))
    assert ring.holder(text) is not None
    for clock in (ring.clock, ring.wall):
        clock.now_s += STALE_S_MAX + 1
    assert ring.holder(text) is None


def test_a_key_is_for_the_algorithm_that_its_issuer_says() -> None:
    ring = Ring(document=jwks(jwk(RSA, "rsa", alg="PS256")))
    assert "another algorithm" in ring.complaint(token())


def test_one_key_without_a_name_is_enough() -> None:
    ring = Ring(document=jwks(jwk(RSA, None)))
    assert ring.holder(token(key_id=None)) is not None


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "no JWKS"),
        (b"[]", "no JWKS"),
        (b'{"keys": {}}', "no JWKS"),
        (b'{"keys": []}', "no public key"),
        (jwks({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ", "kid": "h"}), "no public key"),
        (jwks(jwk(RSA, "e", use="enc")), "no public key"),
        (jwks(jwk(RSA, "p") | {"d": "AQAB"}), "no public key"),
        (jwks({"kty": "RSA", "n": "!!", "e": "AQAB", "kid": "x"}), "no public key"),
        (jwks(jwk(rsa.generate_private_key(65_537, 1_024), "w")), "2048 bits"),
        (jwks(*[jwk(ED, str(n)) for n in range(65)]), "64 are the most"),
    ],
)
def test_a_key_set_that_cannot_be_believed_is_not_taken(document: bytes, why: str) -> None:
    with pytest.raises(KeySetError, match=why):
        read_key_set(document)


def test_claims_are_translated() -> None:
    ring = Ring(
        rules=rules(
            tenant=ClaimRule(claim="org.unit", values={"research": "acme/search", "sales": "b"}),
            application=ClaimRule(claim="azp"),
            lane=ClaimRule(claim="tier", values={"slow": "batch"}, default="default"),
            trust_domain=ClaimRule(claim="https://example.org/realm"),
            output_tokens_max=9,
        )
    )
    said = {"org": {"unit": ["x", "sales", "research"]}, "azp": "bot", "tier": "slow"}
    holder = ring.holder(token(claims=said | {"https://example.org/realm": "r1"}))
    assert holder is not None
    who = holder.identity
    assert (who.tenant, who.application, who.lane) == (("acme", "search"), "bot", "batch")
    assert (who.trust_domain, who.queue_wait_ms_max, who.output_tokens_max) == ("r1", 60_000, 9)
    assert "r1" in ring.keys.trust_domains, "before anybody of it is served"
    assert "names none" in ring.complaint(token(claims=said | {"org": {"unit": "unknown"}}))


def test_free_names_are_bounded() -> None:
    ring = Ring(rules=rules(application=ClaimRule(claim="azp")))
    for number in range(NAMES_MAX):
        assert ring.tokens._applications.add(f"app{number}") is None  # type: ignore[arg-type, func-returns-value]
    assert "too many" in ring.complaint(token(azp="one-more"))
    assert ring.holder(token(azp="app7")) is not None
    assert "too many" in Ring(rules=rules(application=ClaimRule(claim="azp"))).complaint(
        token(azp="not a\nname")
    )


def test_a_role_needs_no_tenant_and_opens_no_data_path() -> None:
    roles = ClaimRule(claim="groups", values={"boss": "owner", "staff": "viewer"})
    ring = Ring(rules=rules(role=roles))
    text = token(without=("tenant",), groups=["staff"])
    assert ring.holder(text) is None
    assert "no tenant" not in ring.complaint(text)
    bearer = ring.tokens.bearer(text, b"digest")
    assert bearer is not None
    assert bearer.role is not None
    assert bearer.role.name == "VIEWER"
    assert ring.tokens.bearer(token(groups=["nobody"], tenant="a"), b"other").role is None  # type: ignore[union-attr]


def test_keys_are_taken_beside_tokens() -> None:
    ring = Ring()
    assert ring.holder(KEY_A).identity.key_id == "env:a"
    assert ring.holder("no-key-and-no-token") is None
    assert ring.keys.complaint("Bearer no-key-and-no-token") is None
