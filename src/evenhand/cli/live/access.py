"""Who may do what, while that changes: the admin listener's credentials, and the issuers of tokens."""

from typing import Final

from evenhand.cli.admin_callers import admin_callers
from evenhand.cli.config import Config
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.beginning import Outside
from evenhand.cli.live.participant import Apply
from evenhand.cli.token_desk import TokenDesk
from evenhand.gateway.admin import AdminCredentials

_CREDENTIALS: Final = frozenset({"credential", "credentials"})
_RESTART: Final = (
    "is fixed while the gateway runs, of the admin listener only the credentials are not: take it back,"
    " or start the gateway anew"
)


class Admins:
    """See `Participant`. A session ends with the credential that began it."""

    sections = frozenset({"admin"})

    def __init__(self, credentials: AdminCredentials, outside: Outside) -> None:
        self._credentials = credentials
        self._outside = outside

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        fixed: list[Finding] = [
            (("admin", name), _RESTART)
            for name in type(new.admin).model_fields
            if name not in _CREDENTIALS and getattr(old.admin, name) != getattr(new.admin, name)
        ]
        if fixed:
            return fixed
        callers = list(admin_callers(new, self._outside.secrets))
        return lambda: self._credentials.replace(callers)


class Issuers:
    """See `Participant`. Comes after the tenants: what a token's claims mean depends on them."""

    sections = frozenset({"identity"})

    def __init__(self, desk: TokenDesk) -> None:
        self._desk = desk

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        if _meaning(old) == _meaning(new):
            return lambda: None
        return lambda: self._desk.change(new)


def _meaning(config: Config) -> tuple[object, ...]:
    return config.identity, config.tenants, config.lanes
