"""What a browser may do here on behalf of other sites: nothing.

Any page that somebody looks at can make their browser send requests to this listener, with its cookie,
or to its loopback address where no credential is asked for. Browsers say in headers that scripts cannot
forge where a request comes from, and which host its sender believes to talk to.
"""

import ipaddress
import re
from collections.abc import Collection
from typing import Final

from starlette.types import Scope

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, and no script in a page's own text; charts set styles there. Of every answer
that does not bring its own."""
HEADERS: Final = (
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    # Not `no-referrer`: with that browsers do not tell the origin of a form.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
"""Of every answer."""

PLAIN_PATH: Final = re.compile(r"/(?:[a-z]{1,20}(?:/[a-z]{1,20}){0,3})?")
"""The path of a page for people: words, so never another site, and never a key that somebody pasted."""
_HOST: Final = re.compile(
    r"(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))(?::[0-9]{1,5})?"
)


def host_of(scope: Scope) -> str | None:
    """The host of the one Host header, as sent, if it has the form of one."""
    sent = [value for name, value in scope["headers"] if name == b"host"]
    text = sent[0].decode("latin-1") if len(sent) == 1 else ""
    return text if _HOST.fullmatch(text) else None


def is_host_of_ours(host: str, names: Collection[str]) -> bool:
    """Whether a browser that sends `host` cannot have been led here under a foreign name. An address is
    no name; this machine's own name, and `names`, are ours to give out."""
    match = _HOST.fullmatch(host)
    assert match is not None, "host_of has looked at its form"
    name = match["name"].lower()
    return name == "localhost" or name in names or _is_address(name)


def comes_from_elsewhere(scope: Scope, host: str) -> bool:
    """Whether a browser says that another site has made it send this."""
    return _is_ours(scope, host) is False


def comes_from_here(scope: Scope, host: str) -> bool:
    """Whether a browser says that a page of ours, or the person at it, has made it send this."""
    return _is_ours(scope, host) is True


def _is_ours(scope: Scope, host: str) -> bool | None:
    """None: no browser says anything."""
    site = _only(scope, b"sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = _only(scope, b"origin")
    if origin is None:
        return None
    # Whether it is http or https does not count: a proxy in front of us may end TLS.
    return origin.rpartition("://")[2].lower() == host.lower()


def _only(scope: Scope, name: bytes) -> str | None:
    """The header's value; of several, one that is no site's."""
    sent = [value for found, value in scope["headers"] if found == name]
    if len(sent) > 1:
        return "several"
    return sent[0].decode("latin-1") if sent else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
