"""How often one address may try to sign in."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

FAILURES_MAX: Final = 10
"""In a row, before it has to wait."""
PER_FAILURE_S: Final = 6.0
"""After so long one failure is forgotten."""
ADDRESSES_MAX: Final = 4_096


class SignInAttempts:
    """Counts the failures of each address, and forgets one every `PER_FAILURE_S`. Bounded by
    `ADDRESSES_MAX`: the address that has been quiet for longest is forgotten first."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        # When all failures of the address will be forgotten.
        self._clean_s: OrderedDict[str, float] = OrderedDict()

    def wait_ms(self, address: str) -> int:
        """How long it has to wait before it may try; 0: not at all."""
        left_s = self._clean_s.get(address, 0.0) - self._now_s()
        return max(0, round((left_s - (FAILURES_MAX - 1) * PER_FAILURE_S) * 1000))

    def failed(self, address: str) -> None:
        now_s = self._now_s()
        self._clean_s[address] = max(self._clean_s.get(address, 0.0), now_s) + PER_FAILURE_S
        self._clean_s.move_to_end(address)
        if len(self._clean_s) > ADDRESSES_MAX:
            self._clean_s.popitem(last=False)
