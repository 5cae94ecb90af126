"""The round of one node and pool: which of its waiting children may go before the next round begins.

A child may go while its counter is below the round's *level*. A round ends when nobody who waits may go:
then the level is raised by the least number of quanta that lets somebody, and one of
these starts. This is deficit round robin with the deficits of all children in one figure: dlpm.md.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.node import Node
from evenhand.scheduling.pool import Pool

_DEAD_ENTRIES_MAX = 64


def quantum_tokens_min(weights: TokenWeights, output_tokens_default: int) -> int:
    """The least sensible quantum, in tokens of input: what a request with one of them and an answer as
    expected costs. Below it the order still keeps its bound, but every request is a round."""
    return 1 - (-output_tokens_default * weights.output // weights.input)


class Round:
    """The level, and who was found above it (parked) until the level or a refund lets it go again. A
    pick goes by a level of its own, which becomes the round's when somebody starts.

    Lazily: who has come above the level is only found when somebody asks.
    """

    __slots__ = ("_heap", "_level", "_parked", "_pick_level", "_pool", "_quantum")

    def __init__(self, pool: Pool, quantum: int) -> None:
        """`quantum` in ticks."""
        assert quantum >= 1
        self._pool = pool
        self._quantum = quantum
        self._level: int | None = None
        self._pick_level: int | None = None
        # Its counter when it was parked, which since then has not fallen.
        self._parked: dict[Node, int] = {}
        self._heap: list[tuple[int, int, Node]] = []

    def begin_pick(self, least: int) -> Iterator[Node]:
        """Given the least counter of the waiting: see to it that somebody may go, and say which of the
        parked may. The level is never more than a quantum above the least."""
        level, highest = self._level, least + self._quantum
        if level is None or level > highest:
            level = highest
        elif level <= least:
            level += ((least - level) // self._quantum + 1) * self._quantum
        before, self._pick_level = self._pick_level, level
        if before is not None and level > before:
            yield from self._let_go(level)

    def started(self) -> None:
        """The pick that began last has led to a start."""
        self._level = self._pick_level

    def may_go(self, child: Node) -> bool:
        """Whether a waiting child may go; if not, it is parked."""
        if child in self._parked:
            return False
        assert self._pick_level is not None, "a pick has begun"
        counter = child.counter(self._pool)
        if counter < self._pick_level:
            return True
        self._park(child, counter)
        return False

    def is_parked(self, child: Node) -> bool:
        """Whether it was found above the level, and nothing has let it go since."""
        return child in self._parked

    def refunded(self, child: Node) -> bool:
        """Its counter fell. True: it was parked and may go again."""
        parked_at, level = self._parked.get(child), self._pick_level
        counter = child.counter(self._pool)
        if parked_at is None or level is None or counter >= parked_at:
            return False
        if counter < level:
            del self._parked[child]
            return True
        self._park(child, counter)
        return False

    def look_again(self) -> Iterator[Node]:
        """Counters may have fallen anywhere: which of the parked may go."""
        return (child for child in list(self._parked) if self.refunded(child))

    def left(self, child: Node) -> None:
        """It waits no more."""
        self._parked.pop(child, None)

    def _park(self, child: Node, counter: int) -> None:
        self._parked[child] = counter
        heappush(self._heap, (counter, child.index, child))
        if len(self._heap) > 2 * len(self._parked) + _DEAD_ENTRIES_MAX:
            self._heap = [(at, node.index, node) for node, at in self._parked.items()]
            heapify(self._heap)

    def _let_go(self, level: int) -> Iterator[Node]:
        heap = self._heap
        while heap and heap[0][0] < level:
            parked_at, _, child = heappop(heap)
            if self._parked.get(child) != parked_at:
                continue
            counter = child.counter(self._pool)
            if counter < level:
                del self._parked[child]
                yield child
            else:
                self._parked[child] = counter
                heappush(heap, (counter, child.index, child))
