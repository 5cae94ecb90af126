"""Siblings ordered by their counters, in a lazily re-keyed heap.

Charges are about a hundred times as frequent as picks, so a charge must not touch the heap. While
counters only grow, an entry's key is at most its counter: a stale entry at the top is pushed down to
its present key when somebody looks. Where a counter shrinks (a refund) that no longer holds, so
`shrunk` pushes a fresh entry and the old one is dead. `_live` holds the one valid key of each member.
A look costs amortised O(log n); dead entries never outnumber live ones by more than a constant.
"""

from heapq import heapify, heappop, heappush, heapreplace
from typing import Generic, Protocol, TypeVar

_DEAD_ENTRIES_MAX = 64


class Counted(Protocol):
    """A member: a counter that others change, and a number of its own that breaks ties."""

    virtual: int
    index: int


T = TypeVar("T", bound=Counted)


class CounterHeap(Generic[T]):
    """Members with their counters and lifts. `least` is exact at every moment."""

    __slots__ = ("_heap", "_lifts", "_live", "_members")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int]] = []
        self._live: dict[int, int] = {}
        self._members: dict[int, T] = {}
        self._lifts: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, member: T) -> bool:
        return member.index in self._members

    def add(self, member: T, lift: int) -> None:
        """Take a member in; here its key is its counter plus `lift`. It must not be one already."""
        assert member.index not in self._members
        self._members[member.index] = member
        self._lifts[member.index] = lift
        self._push(member)

    def remove(self, member: T) -> None:
        """Let a member go. Its entries in the heap die."""
        del self._members[member.index]
        del self._lifts[member.index]
        del self._live[member.index]
        self._compact()

    def shrunk(self, member: T) -> None:
        """The member's counter became smaller. Must be called at once; growth needs no call."""
        if member.virtual + self._lifts[member.index] < self._live[member.index]:
            self._push(member)
            self._compact()

    def rekey(self) -> None:
        """All counters may have become smaller. O(members)."""
        self._live = {
            index: member.virtual + self._lifts[index] for index, member in self._members.items()
        }
        self._heap = [(key, index) for index, key in self._live.items()]
        heapify(self._heap)

    def least(self) -> tuple[int, T]:
        """The smallest key and its member, ties to the smallest index. Must not be empty."""
        heap, live = self._heap, self._live
        while True:
            key, index = heap[0]
            if live.get(index) != key:
                heappop(heap)
                continue
            member = self._members[index]
            present = member.virtual + self._lifts[index]
            if present == key:
                return key, member
            assert present > key, "a counter shrank and `shrunk` was not called"
            live[index] = present
            heapreplace(heap, (present, index))

    def _push(self, member: T) -> None:
        key = member.virtual + self._lifts[member.index]
        self._live[member.index] = key
        heappush(self._heap, (key, member.index))

    def _compact(self) -> None:
        if len(self._heap) > 2 * len(self._live) + _DEAD_ENTRIES_MAX:
            self._heap = [(key, index) for index, key in self._live.items()]
            heapify(self._heap)
