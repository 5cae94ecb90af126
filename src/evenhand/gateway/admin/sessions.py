"""Who is signed in with a browser: a random cookie stands for a credential that was shown."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from evenhand.gateway.admin.access import NOBODY, Caller, Shown

LIFE_S_MAX: Final = 12 * 3600
"""Whoever works longer signs in again."""
IDLE_S_MAX: Final = 3600
SESSIONS_MAX: Final = 4_096
OF_ONE_MAX: Final = 8
"""Of one caller; the next ends the one that was unused for longest."""
_TOKEN_BYTES: Final = 32


@dataclass(slots=True)
class _Session:
    shown: Shown
    begun_s: float
    used_s: float


class Sessions:
    """Kept in memory only: a restart ends them all. Bounded by `SESSIONS_MAX` and `OF_ONE_MAX`.

    A session asks at every use whose its credential is by now, so revoking a key or changing a
    credential ends it at once.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        # By the digest of the token: whoever reads our memory has no cookie yet, and the time of the
        # look-up tells nothing of any token.
        self._sessions: dict[bytes, _Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, shown: Shown) -> str:
        """A new session; the token for its cookie."""
        self._forget_ended()
        own = [
            key for key, session in self._sessions.items() if session.shown.caller == shown.caller
        ]
        if len(own) >= OF_ONE_MAX:
            del self._sessions[min(own, key=lambda key: self._sessions[key].used_s)]
        if len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[min(self._sessions, key=self._dispensability)]
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        now_s = self._now_s()
        self._sessions[_digest(token)] = _Session(shown, now_s, now_s)
        return token

    def caller(self, token: str) -> Caller:
        """Whose session that is; `NOBODY`: nobody's, or not any more."""
        key, now_s = _digest(token), self._now_s()
        session = self._sessions.get(key)
        if session is None:
            return NOBODY
        caller = NOBODY if _is_over(session, now_s) else session.shown.now()
        if caller is NOBODY:
            del self._sessions[key]
        else:
            session.used_s = now_s
        return caller

    def end(self, token: str) -> Caller:
        """Whose session has ended by this; `NOBODY`: there was none."""
        session = self._sessions.pop(_digest(token), None)
        return NOBODY if session is None else session.shown.caller

    def _forget_ended(self) -> None:
        now_s = self._now_s()
        ended = [key for key, session in self._sessions.items() if _is_over(session, now_s)]
        for key in ended:
            del self._sessions[key]

    def _dispensability(self, key: bytes) -> tuple[int, float]:
        """Tenants go before operators, so that no tenant's sign-ins can shut those out."""
        session = self._sessions[key]
        return session.shown.caller.role, session.used_s


def _is_over(session: _Session, now_s: float) -> bool:
    return now_s - session.begun_s > LIFE_S_MAX or now_s - session.used_s > IDLE_S_MAX


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
