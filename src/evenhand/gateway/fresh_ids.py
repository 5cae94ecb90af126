"""Ids that nobody can guess, at the price of a slice."""

import secrets

_ID_BYTES = 12
_IDS_PER_FETCH = 256


class FreshIds:
    """24 hexadecimal digits each time. The system is asked for the randomness of many at once: a
    system call for each cost more than all else that an id needs."""

    def __init__(self) -> None:
        self._digits = ""
        self._at = 0

    def take(self) -> str:
        """The next one; no two are the same."""
        if self._at == len(self._digits):
            self._digits = secrets.token_hex(_ID_BYTES * _IDS_PER_FETCH)
            self._at = 0
        start = self._at
        self._at = start + 2 * _ID_BYTES
        return self._digits[start : self._at]
