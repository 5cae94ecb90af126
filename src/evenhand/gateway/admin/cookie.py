"""The cookie of a session: sent back by the browser to us alone, and never shown to a script."""

from typing import Final

from starlette.types import Scope

_NAME: Final = "evenhand_session"
# A browser takes a name with this prefix only from the host itself, over TLS.
_NAME_UNDER_TLS: Final = f"__Host-{_NAME}"
_KEPT: Final = "Path=/; HttpOnly; SameSite=Strict"


def token_of(scope: Scope) -> str | None:
    """What the request's cookie says; None: it has none of ours, or more than one."""
    wanted = f"{_name(scope)}="
    found = []
    for name, value in scope["headers"]:
        if name == b"cookie":
            parts = (part.strip() for part in value.decode("latin-1").split(";"))
            found += [part.removeprefix(wanted) for part in parts if part.startswith(wanted)]
    return found[0] if len(found) == 1 else None


def setting(scope: Scope, token: str) -> str:
    """The header's value that gives the browser the token, until the browser is closed."""
    return f"{_name(scope)}={token}; {_kept(scope)}"


def taking_back(scope: Scope) -> str:
    """The header's value that takes it from the browser."""
    return f"{_name(scope)}=; Max-Age=0; {_kept(scope)}"


def _kept(scope: Scope) -> str:
    return f"{_KEPT}; Secure" if _is_tls(scope) else _KEPT


def _name(scope: Scope) -> str:
    return _NAME_UNDER_TLS if _is_tls(scope) else _NAME


def _is_tls(scope: Scope) -> bool:
    return bool(scope["scheme"] == "https")
