"""Whether a token is what it says: signed by whom, for whom, until when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from evenhand.gateway.tokens.key_set import KeySet, PublicKey
from evenhand.gateway.tokens.rules import IssuerRules
from evenhand.model import Outcome

TOKEN_CHARS_MAX: Final = 8_192
_ECHO_CHARS_MAX: Final = 100
_YEAR_10000_S: Final = 253_402_300_800


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer with its keys; `want_keys` is called for a key that is not among them."""

    rules: IssuerRules
    keys: KeySet
    want_keys: Callable[[], None]


class Complaint(NamedTuple):
    """Why a token opens nothing, and what to do."""

    outcome: Outcome
    message: str


class Verified(NamedTuple):
    """What an issuer says of a caller, believed until `ends_s` of the wall clock."""

    issuer: Issuer
    claims: Mapping[str, Any]
    ends_s: float


def looks_like_token(text: str) -> bool:
    """Whether it has the form of a JWT, whatever is in it. No key of ours has."""
    return text.startswith("ey") and text.count(".") == 2


def verify(
    token: str, issuers: Mapping[str, Issuer], wall_s: float, now_s: float
) -> Verified | Complaint:
    """`issuers` by their `iss`; `now_s` is the clock of their keys. What is cheap is looked at first:
    the signature costs a fifth of a millisecond."""
    try:
        header, claims = _read(token)
        issuer = _issuer_of(claims, issuers)
        key, believed_s = _key_of(header, issuer, now_s)
        ends_s = _end_of(claims, issuer.rules, wall_s)
        claims = _checked(token, key, str(header["alg"]), issuer.rules)
    except _UnfitError as unfit:
        return Complaint(Outcome.UNAUTHENTICATED, f"Your token {unfit}.")
    return Verified(issuer, claims, min(ends_s, wall_s + believed_s - now_s))


class _UnfitError(Exception):
    """In words that go on after "Your token"."""


def _read(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, as anybody could have written them."""
    import jwt  # noqa: PLC0415 - an optional extra

    if len(token) > TOKEN_CHARS_MAX:
        raise _UnfitError(f"is longer than {TOKEN_CHARS_MAX} characters: get one with fewer claims")
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _UnfitError("cannot be read: send it as the issuer gave it out") from None
    return whole["header"], whole["payload"]


def _issuer_of(claims: Mapping[str, Any], issuers: Mapping[str, Issuer]) -> Issuer:
    named = claims.get("iss")
    issuer = issuers.get(named) if isinstance(named, str) else None
    if issuer is None:
        raise _UnfitError(f"is of the issuer {_echo(named)}, which is not configured here")
    return issuer


def _key_of(header: Mapping[str, Any], issuer: Issuer, now_s: float) -> tuple[PublicKey, float]:
    """And until when it is believed."""
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in issuer.rules.algorithms:
        raise _UnfitError(f"is signed by {_echo(algorithm)}, an algorithm that is not allowed here")
    found = issuer.keys.find(key_id if isinstance(key_id, str) else None, now_s)
    if found is None:
        issuer.want_keys()
        raise _UnfitError(
            "is signed with a key that its issuer has not published, as far as we know"
        )
    if found[0].algorithm not in (None, algorithm):
        raise _UnfitError(f"is signed by {_echo(algorithm)}, and its key is for another algorithm")
    return found


def _end_of(claims: Mapping[str, Any], rules: IssuerRules, wall_s: float) -> float:
    ends = claims.get("exp")
    if not isinstance(ends, int | float) or not wall_s < ends + rules.leeway_s < _YEAR_10000_S:
        raise _UnfitError("has expired, or names no end: get a new one")
    return ends + rules.leeway_s


def _checked(token: str, key: PublicKey, algorithm: str, rules: IssuerRules) -> Mapping[str, Any]:
    """The claims, which the issuer has signed."""
    import jwt  # noqa: PLC0415 - an optional extra

    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key.material,
            algorithms=[algorithm],
            audience=rules.audience,
            issuer=rules.issuer,
            leeway=rules.leeway_s,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, TypeError, ValueError, OverflowError) as error:
        raise _UnfitError(_why(error)) from None
    return claims


def _why(error: Exception) -> str:
    import jwt  # noqa: PLC0415 - an optional extra

    match error:
        case jwt.InvalidAudienceError():
            return "is for another audience than this gateway"
        case jwt.ImmatureSignatureError():
            return "is not valid yet: see to the clocks"
        case jwt.MissingRequiredClaimError():
            return f"lacks the claim {error.claim}"
    return "does not bear its issuer's signature"


def _echo(text: object) -> str:
    """As it may be repeated to its sender."""
    return repr(text)[:_ECHO_CHARS_MAX] if isinstance(text, str) else "(none)"
