"""Which engine's cache is believed to hold which prefix: a radix tree over bytes. See locality.md."""

from collections import OrderedDict
from collections.abc import Iterator

from evenhand.locality.common_length import common_length
from evenhand.locality.engine_bits import EngineBits
from evenhand.locality.engine_memory import HOLDING_BYTES, EngineMemories, EngineMemory
from evenhand.locality.prefix_node import NODE_BYTES, PrefixNode
from evenhand.model import EngineName

_EVERYBODY = -1


class PrefixIndex:
    """One for each trust domain: prefixes of different ones never meet.

    Whoever holds a prefix holds every shorter one. `bytes_max` bounds the text together with
    `NODE_BYTES` for each node and `HOLDING_BYTES` for each engine but one that holds it; beyond it the
    prefixes inserted least recently are forgotten. `memories` are those of all trust domains.
    """

    def __init__(self, bytes_max: int, memories: EngineMemories | None = None) -> None:
        assert bytes_max > NODE_BYTES, "has room for a prefix"
        self._all_memories = memories or EngineMemories()
        self._memories: dict[int, EngineMemory] = {}
        """By the engine's bit."""
        self._holdings = 0
        self._bytes_max = bytes_max
        self._root = PrefixNode(b"", _EVERYBODY)
        self._engines = EngineBits()
        self._nodes: OrderedDict[PrefixNode, None] = OrderedDict()
        """All nodes but the root, bounded by `bytes_max`: those used least recently first, each before
        its parent. So the first is a leaf."""
        self._text_bytes = 0
        self.forgotten = 0
        """How many prefixes, or ends of them, had to make room for others."""

    @property
    def bytes_stored(self) -> int:
        """The text, and what nodes and their holders take. At most `bytes_max`."""
        nodes = len(self._nodes)
        return self._text_bytes + NODE_BYTES * nodes + HOLDING_BYTES * (self._holdings - nodes)

    @property
    def prefix_bytes_max(self) -> int:
        """Of one that is longer, so much is remembered."""
        return self._bytes_max - NODE_BYTES

    def insert(self, prefix: bytes, engine: EngineName) -> None:
        """The engine holds this prefix from now on. Of one that alone exceeds the bound, as much is
        remembered as has room."""
        bit = self._engines.join(engine)
        memory = self._memories.get(bit)
        if memory is None:
            memory = self._memories[bit] = self._all_memories.of(engine)
        prefix = prefix[: self.prefix_bytes_max]
        node, at = self._root, 0
        while at < len(prefix):
            child = node.children.get(prefix[at])
            if child is None:
                child = self._add(PrefixNode(prefix[at:], 0, node))
                at = len(prefix)
            elif prefix.startswith(child.edge, at):
                at += len(child.edge)
            else:
                shared = common_length(child.edge, prefix[at : at + len(child.edge)])
                at += shared
                if at < len(prefix) or not child.holders & bit:
                    child = self._split(child, shared)
            if not child.holders & bit:
                child.holders |= bit
                self._holdings += 1
                memory.gain(child, self)
            node = child
        self._use(node, memory)
        self._make_room()

    def matched(self, prefix: bytes, engine: EngineName) -> int:
        """How many bytes of it the engine holds, from its beginning."""
        bit = self._engines.bit(engine)
        length = 0
        for end, holders in self._path(prefix):
            if not holders & bit:
                break
            length = end
        return length

    def longest(self, prefix: bytes) -> tuple[int, tuple[EngineName, ...]]:
        """The most bytes of it that anybody holds, and who, sorted; `(0, ())` if nobody does."""
        length, holders = 0, 0
        for end, of_node in self._path(prefix):
            length, holders = end, of_node
        return length, tuple(self._engines.names(holders))

    def matched_by_engine(self, prefix: bytes) -> dict[EngineName, int]:
        """`matched` for all engines that hold a byte of it or more."""
        lengths: dict[EngineName, int] = {}
        length, holders = 0, 0
        for end, of_node in self._path(prefix):
            if gone := holders & ~of_node:
                lengths.update(dict.fromkeys(self._engines.names(gone), length))
            length, holders = end, of_node
        lengths.update(dict.fromkeys(self._engines.names(holders), length))
        return lengths

    def evict(self, engine: EngineName, prefix: bytes) -> None:
        """The engine has dropped this prefix and all that continues it. What is shorter it still holds:
        name the shortest prefix that is gone. `b""` is everything."""
        if not prefix:
            self.forget(engine)
            return
        bit = self._engines.bit(engine)
        node, at = self._root, 0
        while True:
            child = node.children.get(prefix[at])
            if child is None or not child.holders & bit:
                return
            if at + len(child.edge) >= len(prefix):
                break
            if not prefix.startswith(child.edge, at):
                return
            node, at = child, at + len(child.edge)
        if not child.edge.startswith(prefix[at:]):
            return
        kept = len(prefix) - 1 - at
        if kept:
            self._use(self._split(child, kept), self._memories[bit])
        self._drop(child, bit)
        self._make_room()

    def forget(self, engine: EngineName) -> None:
        """The engine left, or restarted with an empty cache."""
        bit = self._engines.leave(engine)
        for child in list(self._root.children.values()):
            if child.holders & bit:
                self._drop(child, bit)
        self._memories.pop(bit, None)

    def drop_tail(self, node: PrefixNode, engine: EngineName, length: int) -> None:
        """An engine that holds this node, and nothing that continues it, drops so many bytes of its
        end."""
        bit = self._engines.bit(engine)
        if length < len(node.edge):
            upper = self._split(node, len(node.edge) - length, trimmed=self._memories[bit])
            self._keep_order(upper)
        self._drop(node, bit)
        self._make_room()

    def _path(self, prefix: bytes) -> Iterator[tuple[int, int]]:
        """The nodes that a prefix runs through, the last perhaps in part: how many bytes of the prefix
        are matched at its end, and its holders."""
        node, at = self._root, 0
        while at < len(prefix):
            child = node.children.get(prefix[at])
            if child is None:
                return
            edge = child.edge
            if not prefix.startswith(edge, at):
                yield at + common_length(edge, prefix[at : at + len(edge)]), child.holders
                return
            node, at = child, at + len(edge)
            yield at, child.holders

    def _add(self, node: PrefixNode) -> PrefixNode:
        node.parent.children[node.edge[0]] = node
        self._nodes[node] = None
        self._text_bytes += len(node.edge)
        return node

    def _split(
        self, node: PrefixNode, length: int, trimmed: EngineMemory | None = None
    ) -> PrefixNode:
        """The new upper node, which must be used next: it stands last in the order, and so its parents
        must follow it. `trimmed`: of an engine that is to lose the lower one, its first."""
        upper = node.split(length)
        self._nodes[upper] = None
        for memory in self._holding(upper):
            self._holdings += 1
            if memory is trimmed:
                memory.trim(upper, self)
            else:
                memory.split(upper, self)
        return upper

    def _keep_order(self, upper: PrefixNode) -> None:
        """Those above a new node come after it, though it is not used."""
        node = upper.parent
        while node is not self._root:
            self._nodes.move_to_end(node)
            node = node.parent

    def _holding(self, node: PrefixNode) -> Iterator[EngineMemory]:
        """The memories of those that hold it."""
        holders = node.holders
        while holders:
            lowest = holders & -holders
            yield self._memories[lowest]
            holders ^= lowest

    def _merge(self, node: PrefixNode) -> bool:
        """Merge a node with its only child, if their holders are the same."""
        child = node.superfluous_child()
        if child is None:
            return False
        node.absorb(child)
        del self._nodes[child]
        for memory in self._holding(node):
            self._holdings -= 1
            memory.merged(child)
        return True

    def _use(self, node: PrefixNode, memory: EngineMemory) -> None:
        """A node and its parents are used now by that engine; those whose holders have become the same
        are merged."""
        while node is not self._root:
            parent = node.parent
            if not self._merge(parent):
                self._nodes.move_to_end(node)
                memory.use(node)
            node = parent

    def _remove(self, leaf: PrefixNode) -> None:
        assert not leaf.children
        for memory in self._holding(leaf):
            self._holdings -= 1
            memory.lose(leaf)
        del leaf.parent.children[leaf.edge[0]]
        del self._nodes[leaf]
        self._text_bytes -= len(leaf.edge)

    def _drop(self, top: PrefixNode, bit: int) -> None:
        """An engine that held this node holds it and all that continues it no longer."""
        below, memory = [top], self._memories[bit]
        for node in below:
            node.holders ^= bit
            self._holdings -= 1
            memory.lose(node)
            below.extend(child for child in node.children.values() if child.holders & bit)
        for node in reversed(below):
            if node.holders:
                self._merge(node)
            else:
                self._remove(node)
        self._merge(top.parent)

    def _make_room(self) -> None:
        while self.bytes_stored > self._bytes_max:
            leaf = next(iter(self._nodes))
            self.forgotten += 1
            self._remove(leaf)
            self._merge(leaf.parent)
