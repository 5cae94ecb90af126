"""Who calls the admin listener: by a header of the request, or by the cookie of a session."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from starlette.types import Scope

from evenhand.gateway.admin.access import NOBODY, Caller, Recogniser, Role, Shown
from evenhand.gateway.admin.cookie import token_of
from evenhand.gateway.admin.sessions import Sessions

_BEARER: Final = re.compile(r"(?i:bearer) +(.+)")
_EVERYBODY: Final = Caller("admin", Role.OWNER)


class Doors:
    """See `Access`.

    `recognisers` know the kinds of credentials, each its own. Where `is_open` says so, whoever shows
    nothing that is known is the owner; the configuration allows that on loopback only.
    """

    def __init__(
        self,
        recognisers: Sequence[Recogniser],
        *,
        is_open: Callable[[], bool],
        sessions: Sessions | None = None,
    ) -> None:
        self._recognisers = tuple(recognisers)
        self._is_open = is_open
        self.sessions = Sessions() if sessions is None else sessions

    @property
    def stands_open(self) -> bool:
        """Whether whoever shows nothing is the owner."""
        return self._is_open()

    async def caller(self, scope: Scope) -> Caller:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        caller = self._by_header(sent) if sent else self._by_cookie(scope)
        return _EVERYBODY if caller is NOBODY and self._is_open() else caller

    def recognise(self, credential: str) -> Shown | None:
        """Whose credential that is. Every kind is tried, so that the time does not tell which it is."""
        found = [recognise(credential) for recognise in self._recognisers]
        return next((shown for shown in found if shown is not None), None)

    def _by_header(self, sent: list[bytes]) -> Caller:
        match = _BEARER.fullmatch(sent[0].decode("latin-1")) if len(sent) == 1 else None
        shown = self.recognise(match[1]) if match else None
        return NOBODY if shown is None else shown.caller

    def _by_cookie(self, scope: Scope) -> Caller:
        token = token_of(scope)
        return NOBODY if token is None else self.sessions.caller(token)
