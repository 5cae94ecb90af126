"""What one engine is believed to hold, of all trust domains, in the order of its use there."""

from collections import OrderedDict
from typing import Protocol

from evenhand.locality.prefix_node import PrefixNode
from evenhand.model import EngineName

HOLDING_BYTES = 160
"""What it takes that one engine holds one node: its place in the order, and a reserve."""


class Tree(Protocol):
    """The index that a node belongs to."""

    def drop_tail(self, node: PrefixNode, engine: EngineName, length: int) -> None:
        """That engine, which holds nothing that continues the node, drops so many bytes of its end."""


class EngineMemory:
    """The nodes that it holds, those used least recently first, each before its parent; so the first is
    continued by none. Bounded by the indexes whose nodes they are."""

    __slots__ = ("bytes", "nodes")

    def __init__(self) -> None:
        self.nodes: OrderedDict[PrefixNode, Tree] = OrderedDict()
        self.bytes = 0
        """Their text."""

    def gain(self, node: PrefixNode, tree: Tree) -> None:
        """It holds this node from now on, and has used it last. Its parents must be used next."""
        self.nodes[node] = tree
        self.bytes += len(node.edge)

    def lose(self, node: PrefixNode) -> None:
        del self.nodes[node]
        self.bytes -= len(node.edge)

    def use(self, node: PrefixNode) -> None:
        self.nodes.move_to_end(node)

    def split(self, upper: PrefixNode, tree: Tree) -> None:
        """A node that it holds was cut in two. The new upper one comes after it, and so do all above."""
        self.nodes[upper] = tree
        node = upper.parent
        while node in self.nodes:  # the root is in none
            self.nodes.move_to_end(node)
            node = node.parent

    def trim(self, upper: PrefixNode, tree: Tree) -> None:
        """Of the node that was used least recently only a new upper part is left: it takes its place."""
        self.nodes[upper] = tree
        self.nodes.move_to_end(upper, last=False)

    def merged(self, child: PrefixNode) -> None:
        """The parent, which it holds too, has taken over the child's text."""
        del self.nodes[child]


class EngineMemories:
    """One for each engine that has held anything. Shared by the indexes of all trust domains, because an
    engine has one memory for all of them."""

    def __init__(self) -> None:
        self._memories: dict[EngineName, EngineMemory] = {}

    def of(self, engine: EngineName) -> EngineMemory:
        memory = self._memories.get(engine)
        if memory is None:
            memory = self._memories[engine] = EngineMemory()
        return memory

    def held_bytes(self, engine: EngineName) -> int:
        """Of all trust domains together."""
        memory = self._memories.get(engine)
        return 0 if memory is None else memory.bytes

    def trim(self, engine: EngineName, bytes_max: int) -> bool:
        """The engine cannot hold more than so much: what it used least recently is gone, the ends of
        prompts before their beginnings. True: something was."""
        memory = self._memories.get(engine)
        if memory is None or memory.bytes <= bytes_max:
            return False
        while memory.bytes > bytes_max:
            node, tree = next(iter(memory.nodes.items()))
            tree.drop_tail(node, engine, min(len(node.edge), memory.bytes - bytes_max))
        return True

    def forget(self, engine: EngineName) -> None:
        """It left. The indexes must have been told before."""
        self._memories.pop(engine, None)
