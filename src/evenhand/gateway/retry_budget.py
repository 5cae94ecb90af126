"""How many retries a gateway may cause at engines: a tenth of its traffic, and a few to begin with.

When an engine dies under load, each of its requests may be tried again elsewhere; when all engines fail,
retries without a limit would double the load that makes them fail.
"""

from typing import Final

_EARNED_IN_100: Final = 10
_RETRY: Final = 100
_FIRST_RETRIES: Final = 10
RETRIES_AT_ONCE_MAX: Final = 256
"""What can be saved up: about what one large engine has in flight when it dies."""


class RetryBudget:
    """Of one gateway. Every request earns a tenth of a retry."""

    def __init__(self) -> None:
        self._saved = _FIRST_RETRIES * _RETRY
        self.spent_total = 0
        """Retries that were made."""
        self.refused_total = 0
        """Retries that were not made, because there was nothing left for them."""

    def earn(self) -> None:
        """A request is sent to an engine for the first time."""
        self._saved = min(self._saved + _EARNED_IN_100, RETRIES_AT_ONCE_MAX * _RETRY)

    def allows(self) -> bool:
        """Whether there is enough for one more; if not, that is counted."""
        if self._saved >= _RETRY:
            return True
        self.refused_total += 1
        return False

    def spend(self) -> None:
        """One is made. It must have been allowed."""
        assert self._saved >= _RETRY
        self._saved -= _RETRY
        self.spent_total += 1
