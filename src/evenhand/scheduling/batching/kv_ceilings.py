"""Who may not have more of an engine's memory for the moment. Derivation: batching.md."""

from collections.abc import Iterable, Iterator, Mapping

from evenhand.model import TenantPath


class KvCeilings:
    """Ceilings in blocks, of leaves and of nodes above them; `each` is for every leaf that has none of
    its own (None: none). Keeps count of what each node's requests have and are going to need."""

    def __init__(self, ceilings: Mapping[TenantPath, int], *, each: int | None = None) -> None:
        assert all(blocks >= 0 for blocks in ceilings.values())
        self._ceilings = dict(ceilings)
        self._each = each
        self._used: dict[TenantPath, int] = {}

    @property
    def are_set(self) -> bool:
        """Whether anybody has one at all."""
        return bool(self._ceilings) or self._each is not None

    def count(self, requests: Iterable[tuple[TenantPath, int]]) -> None:
        """What runs now: for each request its leaf and its blocks."""
        used = self._used = {}
        for leaf, blocks in requests:
            used[leaf] = used.get(leaf, 0) + blocks
        for leaf, blocks in list(used.items()):
            for node in _above(leaf):
                used[node] = used.get(node, 0) + blocks

    def take(self, leaf: TenantPath, blocks: int) -> None:
        """One more has begun."""
        for node in (leaf, *_above(leaf)):
            self._used[node] = self._used.get(node, 0) + blocks

    def admits(self, leaf: TenantPath, blocks: int) -> bool:
        """Whether a request that needs so many blocks may begin. One that is greater than a ceiling may
        where nothing else of that node runs, so nobody starves."""
        for node in (leaf, *_above(leaf)):
            ceiling = self._ceilings.get(node, self._each if node is leaf else None)
            used = self._used.get(node, 0)
            if ceiling is not None and used and used + blocks > ceiling:
                return False
        return True


def _above(leaf: TenantPath) -> Iterator[TenantPath]:
    for depth in range(len(leaf) - 1, 0, -1):
        yield leaf[:depth]
