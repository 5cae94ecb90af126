"""The `identity` section: who else than the holders of keys may ask."""

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, PlainValidator, StringConstraints, WithJsonSchema

from evenhand.cli.config.address import is_host_name
from evenhand.cli.config.scalars import SECTION, FileText, ModelOrAll, Name, between
from evenhand.engines.http.address_class import refused_kind

_FORM = "must be an https URL such as https://login.example.org/keys"


def _parse_keys_url(text: object) -> str:
    """Raises ValueError that does not repeat the URL, which may hold a password."""
    if (
        not isinstance(text, str)
        or not text.isascii()
        or not text.isprintable()
        or len(text) > 2048
    ):
        raise ValueError(_FORM)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{_FORM}; the port is a number from 1 to 65535") from None
    if "@" in parts.netloc or "#" in text or " " in text or "\\" in text or port == 0:
        raise ValueError(f"{_FORM}, without user, password or fragment")
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        if not is_host_name(host):
            raise ValueError(f"{_FORM}; the host is a host name or an IP address") from None
        is_loopback = host == "localhost"
    else:
        is_loopback = ip.is_loopback
        kind = refused_kind(ip)
        if kind:
            raise ValueError(f"is {kind} address, where no issuer can be: write the issuer's own")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback):
        raise ValueError(
            f"{_FORM}: whoever can change the answer on its way could sign tokens. Plain http is for "
            "loopback; else fetch the keys yourself and use jwks_file"
        )
    return text


KeysUrl = Annotated[
    str,
    PlainValidator(_parse_keys_url),
    WithJsonSchema({"type": "string", "pattern": "^https?://", "x-expects": "an https URL"}),
]

ClaimText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 512, "x-expects": "a text"}),
]


class Claim(BaseModel):
    """Where a value stands in the claims of a token, and what it means here."""

    model_config = SECTION

    claim: ClaimText
    """Name of the claim. `a.b` is the member `b` of the claim `a`, unless there is a claim of that very
    name."""
    values: Annotated[dict[ClaimText, ClaimText], Field(max_length=10_000)] = {}
    """What the claim's values are called here, as `{research: acme/research}`. A value that is not in
    here counts as absent. Of a claim that is a list, the first counts that is in here. Left out: the
    value is taken as it is."""
    default: ClaimText | None = None
    """What an absent claim means. Left out: nothing, as if the claim were not asked for."""


class TokenLimits(BaseModel):
    """Bounds of each subject, inside the gateway's own."""

    model_config = SECTION

    open_requests_max: Annotated[int, between(1, 10_000_000)] | None = None
    """Requests of one subject that wait or run at a time; the next is refused (429)."""
    output_tokens_max: Annotated[int, between(1, 10_000_000)] | None = None
    """Largest `max_tokens` of a request, in tokens. Left out: `limits.output_tokens_max`."""


class TokenIssuer(BaseModel):
    """An identity provider whose JWTs are taken instead of API keys (`Authorization: Bearer`). A
    token must carry `exp`, `iss`, `aud` and `sub`, and `nbf` counts where it is there. In the ledger
    its callers are the key `jwt:NAME`."""

    model_config = SECTION

    name: Name
    """What the ledger and the log call it. Unique."""
    issuer: ClaimText
    """What `iss` must be, to the letter."""
    audience: ClaimText
    """What `aud` must be, or hold: the name of this gateway at the issuer."""
    jwks_url: KeysUrl | None = None
    """Where the issuer publishes its keys. Read in the background every five minutes, and when a token
    names an unknown key, at most every 30 s; without redirects, 256 KiB at most. A key that has
    vanished is taken for ten more minutes; if nothing can be read for a day, none is."""
    jwks_file: FileText | None = None
    """A JWKS file, read as often. Give this or `jwks_url`."""
    algorithms: Annotated[
        tuple[
            Literal[
                "RS256",
                "RS384",
                "RS512",
                "PS256",
                "PS384",
                "PS512",
                "ES256",
                "ES384",
                "ES512",
                "EdDSA",
            ],
            ...,
        ],
        Field(min_length=1, max_length=10),
    ] = ("RS256", "ES256", "EdDSA")
    """Signatures that are taken. There is no `none`, and nothing with a shared secret."""
    leeway_s: Annotated[int, between(0, 300)] = 30
    """Seconds by which the clocks may differ."""
    tenant: Claim | None = None
    """The tenant's path, such as `acme/search`. Left out: tokens open the admin listener alone."""
    application: Claim | None = None
    """The application. Left out: `default`."""
    trust_domain: Claim | None = None
    """Who shares an engine's prefix cache. Left out: the first name of the tenant."""
    lane: Claim | None = None
    """The lane. Left out: `default`."""
    role: Claim | None = None
    """The role on the admin listener: `viewer`, `operator` or `owner`, so it needs `values` where the
    issuer says it otherwise. Left out: none but the tenant's own pages."""
    models: Annotated[tuple[ModelOrAll, ...], Field(min_length=1, max_length=256)] = ("*",)
    """Models that its callers may use; `"*"` is every model."""
    limits: TokenLimits = TokenLimits()
    """Bounds of each subject."""


class IdentityProviders(BaseModel):
    """Who else than the holders of keys may ask. Needs the extra `evenhand[jwt]`."""

    model_config = SECTION

    jwt: Annotated[tuple[TokenIssuer, ...], Field(max_length=16)] = ()
    """Issuers whose tokens are taken."""
