"""Blocks of a key-value cache, shared by sequences whose prompts begin alike.

Blocks that sequences hold are in use; all others are idle, in one line: who takes blocks takes them from
its front, and what was remembered there is forgotten. A sequence that ends puts its blocks at the back,
the last of its tokens first, so that a prefix is forgotten after what follows it. This is how vLLM does
it, block by block; here a stretch of blocks is one node of a tree, cut where paths part or memory ends,
and blocks that nobody can find again are a number.
"""

from collections import OrderedDict
from collections.abc import Callable

from evenhand.sim.engine.prefix_cache.node import Key, Node, Path, block_key, cursor

Forgotten = Callable[[Path, int], None]
"""The first so many tokens of a path, whole blocks, cannot be found any more."""


class Spare:
    """Idle blocks with nothing in them that anybody could find."""

    __slots__ = ("blocks",)

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks


Hit = tuple[Node, int, int]
"""What is there of a path: so many of its first tokens, in whole blocks, up to somewhere in this node;
and how many of these blocks are idle."""


class BlockCache:
    """So many blocks of so many tokens. A sequence holds a node, the end of what it shares, and blocks
    of its own, which it counts itself. `root`, the node before all tokens, is there for good."""

    def __init__(self, blocks: int, block_tokens: int) -> None:
        self.blocks = blocks
        self._block = block_tokens
        self.forgotten: Forgotten | None = None
        """Called when something is forgotten for want of room, whatever continues it being forgotten
        before."""
        self.clear()

    def clear(self) -> None:
        """Everything is idle and nothing is remembered."""
        self.idle = self.blocks
        self.root = Node((), 0, 0, 0, 0)
        self.root.holders = 1
        self._last_spare: Spare | None = Spare(self.blocks)
        self._line: OrderedDict[Node | Spare, None] = OrderedDict({self._last_spare: None})

    def find(self, path: Path, tokens_max: int) -> Hit:
        """How much of a path is there. Changes nothing."""
        block, node, position, idle, index, begin = self._block, self.root, 0, 0, 0, 0
        while (end := position + block) <= tokens_max:
            content, tokens = path[index]
            while begin + tokens <= position:
                begin += tokens
                index += 1
                content, tokens = path[index]
            if begin + tokens >= end:
                key: Key = (content, begin)  # as `block_key` says, without a call
            else:
                key = block_key(path, index, begin, end)
            child = node.children.get(key)
            if child is None:
                break
            node, start = child, position
            agreed = min(node.agrees_to(path, index, begin), tokens_max)
            position = agreed - agreed % block
            if not node.holders:
                idle += (position - start) // block
            if position < node.end:
                break
            index, begin = node.last_index, node.last_begin
        return node, position, idle

    def hold(self, node: Node, tokens: int) -> Node:
        """Hold what was found just now: so many tokens, up to somewhere in this node."""
        if tokens < node.end:
            node = self._cut(node, tokens)
        self._hold(node)
        return node

    def take(self, blocks: int) -> None:
        """Idle blocks are in use by somebody; there must be so many."""
        assert blocks <= self.idle
        self.idle -= blocks
        line = self._line
        while blocks:
            first = next(iter(line))
            if isinstance(first, Spare):
                if first.blocks > blocks:
                    first.blocks -= blocks
                    return
                blocks -= first.blocks
                del line[first]
                if first is self._last_spare:
                    self._last_spare = None
                continue
            held = (first.end - first.start) // self._block
            if held > blocks:
                first.end -= blocks * self._block
                first.last_index, first.last_begin = first.index, first.begin
                self._tell(first, first.end)
                return
            blocks -= held
            del line[first]
            assert first.parent is not None
            assert not first.children, "what follows a prefix is forgotten before it"
            del first.parent.children[first.key]
            self._tell(first, first.start)

    def keep(self, node: Node, path: Path, tokens: int) -> Node:
        """Remember the first `tokens` of a path, whole blocks, for a sequence that holds `node` on it
        and has the blocks for the rest. What it now holds. Blocks that somebody else has computed are
        held instead of its own, which become idle."""
        block, held, position = self._block, node, node.end
        index, begin = node.last_index, node.last_begin
        while position < tokens:
            index, begin = cursor(path, index, begin, position)
            key = block_key(path, index, begin, position + block)
            child = node.children.get(key)
            if child is None:
                child = Node(path, position, tokens, index, begin)
                child.key, child.parent, child.holders = key, node, 1
                node.children[key] = child
                if node is not held:  # else the child holds it instead of the sequence
                    self._hold(node)
                    held.holders -= 1
                return child
            agreed = min(child.agrees_to(path, index, begin), tokens)
            agreed -= agreed % block
            self._put_spare((agreed - position) // block)
            node = child if agreed == child.end else self._cut(child, agreed)
            position = agreed
            index, begin = node.last_index, node.last_begin
        if node is not held:
            self._hold(node)
            held.holders -= 1  # it leads to the other, so it stays held
        return node

    def release(self, node: Node | None, blocks: int) -> None:
        """A sequence ends: it held a node, and so many blocks of its own."""
        if blocks:
            self._put_spare(blocks)
        line, follower = self._line, None
        while node is not None:
            node.holders -= 1
            if node.holders:
                break
            self.idle += (node.end - node.start) // self._block
            if follower is not None and len(node.children) == 1:
                # Both would stand side by side in the line: they are one from now on.
                follower.absorb(node)
                node = follower
            else:
                line[node] = None
            follower, node = node, node.parent
            self._last_spare = None

    def _tell(self, node: Node, tokens: int) -> None:
        if self.forgotten is not None:
            self.forgotten(node.path, tokens + self._block)

    def _put_spare(self, blocks: int) -> None:
        self.idle += blocks
        if self._last_spare is None:
            self._last_spare = Spare(blocks)
            self._line[self._last_spare] = None
        else:
            self._last_spare.blocks += blocks

    def _hold(self, node: Node | None) -> None:
        while node is not None:
            node.holders += 1
            if node.holders > 1:
                return
            self._line.pop(node, None)  # the upper half of a cut one has no place of its own
            self.idle -= (node.end - node.start) // self._block
            node = node.parent

    def _cut(self, node: Node, at: int) -> Node:
        """Cut a node in two. The upper half, to be held at once; the lower remains what it was."""
        assert node.start < at < node.end
        upper = Node(node.path, node.start, at, node.index, node.begin)
        upper.key, upper.parent = node.key, node.parent
        upper.holders = 1 if node.holders else 0
        assert node.parent is not None
        node.parent.children[node.key] = upper
        node.index, node.begin = cursor(node.path, node.index, node.begin, at)
        node.start, node.parent = at, upper
        node.key = block_key(node.path, node.index, node.begin, at + self._block)
        upper.children[node.key] = node
        return upper
