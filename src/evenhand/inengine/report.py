"""A line in the engine's log, now and then: who had how much."""

import logging
from collections.abc import Mapping

from evenhand.inengine.accounts import Accounts

_TENANTS_MAX = 8
_log = logging.getLogger("evenhand.inengine")


class NowAndThen:
    """Every `every_s` seconds; 0: never."""

    def __init__(self, every_s: int) -> None:
        self._every_ms = every_s * 1000
        self._next_ms: int | None = None

    def is_due(self, now_ms: int) -> bool:
        """Whether it is time again. The first time is when one interval has passed."""
        if self._next_ms is None:
            self._next_ms = now_ms + self._every_ms
        if not self._every_ms or now_ms < self._next_ms:
            return False
        self._next_ms = now_ms + self._every_ms
        return True


def report(accounts: Accounts, problems: Mapping[str, int]) -> None:
    """Of the tenants those that had most."""
    most = sorted(accounts.by_tenant.items(), key=lambda entry: (-entry[1], entry[0]))
    shown = [f"{'/'.join(tenant)} {tokens}" for tenant, tokens in most[:_TENANTS_MAX]]
    if len(most) > len(shown):
        rest = sum(tokens for _, tokens in most[_TENANTS_MAX:])
        shown.append(f"{len(most) - len(shown)} more tenants {rest}")
    told = "".join(f", {count} {kind} hints" for kind, count in sorted(problems.items()))
    _log.info(
        "evenhand: tokens computed: %s; recomputed %d, discarded %d%s",
        ", ".join(shown) or "none",
        accounts.recomputed,
        accounts.discarded,
        told,
    )
