"""Callers who show a JWT of an identity provider instead of a key of ours.

Lives here: whose signature is believed, what claims mean here, which tokens are known already.
May import: gateway.identity, gateway.admin.access, engines.http (which addresses may be reached), model;
PyJWT, an extra that is imported when a configuration names an issuer.
Promises: no token is believed but one that an issuer of the configuration has signed with an algorithm
of the configuration's list, for us, and for this moment; no address is reached that a token names;
whatever a token holds, nothing raises and nothing grows without bound.
"""

from evenhand.gateway.tokens.key_source import FileSource, KeySource, NoKeysError, UrlSource
from evenhand.gateway.tokens.key_watch import KeyWatch
from evenhand.gateway.tokens.rules import ClaimRule, IssuerRules
from evenhand.gateway.tokens.token_admins import token_admins
from evenhand.gateway.tokens.token_ring import TokenRing

__all__ = [
    "ClaimRule",
    "FileSource",
    "IssuerRules",
    "KeySource",
    "KeyWatch",
    "NoKeysError",
    "TokenRing",
    "UrlSource",
    "token_admins",
]
