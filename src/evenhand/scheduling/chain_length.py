"""How many calls an interaction takes, learned per tenant and application."""

from evenhand.model import ApplicationName
from evenhand.scheduling.node import Node

_SHIFT = 8
"""Means are kept times 2^8."""
_ROUND_UP = (1 << _SHIFT) - 1
_DECLARED_TIMES_MAX = 2


class ChainLengths:
    """Decayed means, `new = (4 old + length) / 5`; one call until something was learned.

    Bounded by configured tenants times applications, which are bound to keys.
    """

    def __init__(self, *, calls_max: int) -> None:
        """No interaction is taken for longer than `calls_max`."""
        self._calls_max = calls_max
        self._means: dict[Node, dict[ApplicationName, int]] = {}

    def calls(self, leaf: Node, application: ApplicationName, declared: int | None) -> int:
        """How many calls a new interaction is expected to take, at least one. What a client declares is
        believed up to twice what was learned."""
        mean = self._means.get(leaf, {}).get(application, 1 << _SHIFT)
        learned = (mean + _ROUND_UP) >> _SHIFT
        calls = learned if declared is None else min(declared, _DECLARED_TIMES_MAX * learned)
        return max(1, min(calls, self._calls_max))

    def learn(self, leaf: Node, application: ApplicationName, calls: int) -> None:
        """An interaction is over, after so many calls."""
        known = self._means.setdefault(leaf, {})
        length = min(calls, self._calls_max) << _SHIFT
        known[application] = (4 * known.get(application, length) + length) // 5

    def forget(self, leaf: Node) -> None:
        """The tenant has been taken out."""
        self._means.pop(leaf, None)
