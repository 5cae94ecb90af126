"""Ids that nobody can guess, at the price of a pop."""

import secrets

_ID_BYTES = 12
_IDS_PER_FETCH = 256


class FreshIds:
    """24 hexadecimal digits each time. The system is asked for the randomness of many at once: a
    system call for each cost more than all else that an id needs."""

    def __init__(self) -> None:
        # Bounded by `_IDS_PER_FETCH`.
        self._ids: list[str] = []

    def take(self) -> str:
        """Another one; no two are the same."""
        if not self._ids:
            self._ids = secrets.token_bytes(_ID_BYTES * _IDS_PER_FETCH).hex(" ", _ID_BYTES).split()
        return self._ids.pop()
