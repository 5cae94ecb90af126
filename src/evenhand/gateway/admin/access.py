"""Who calls the admin listener, and how much that caller may do there."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol

from starlette.types import Scope

from evenhand.model import KeyId, TenantPath


class Role(IntEnum):
    """What a page asks for. Who has a role has those below it too."""

    ANYONE = 0
    """No credential: probes, and where one signs in."""
    TENANT = 1
    """A tenant's own key: its own figures, and nobody else's."""
    VIEWER = 2
    """Sees everything, changes nothing."""
    OPERATOR = 3
    """Changes what runs: weights, lanes, engines, budgets."""
    OWNER = 4
    """Everything: keys, prices, policy too."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who has shown who they are. `name` goes into the audit; it is never a secret. `tenant` is
    set of a tenant's key and bounds what it is told: that node with all beneath it. `key` names that
    key."""

    name: str
    role: Role
    tenant: TenantPath | None = None
    key: KeyId | None = None


NOBODY = Caller("nobody", Role.ANYONE)
"""Who has shown nothing, or what is not known."""


class Shown(NamedTuple):
    """A credential that somebody has shown and that is right. `now` says whose it is at a later time:
    `NOBODY` once it is revoked, has expired, or was changed."""

    caller: Caller
    now: Callable[[], Caller]


Recogniser = Callable[[str], Shown | None]
"""Knows one kind of credential by its text, in the same time whether it is known or not."""


class Access(Protocol):
    """Finds out who calls."""

    @property
    def stands_open(self) -> bool:
        """Whether whoever shows nothing is the owner."""

    async def caller(self, scope: Scope) -> Caller:
        """Whose request this is; `NOBODY`: it carries no credential, or a wrong one. Takes the same time
        for an unknown credential as for a known one."""
