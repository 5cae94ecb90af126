"""A prefix cache of single blocks, as plainly as can be: what the tree of extents is compared with.

Every block is an object, every token a pair of content and offset. Where two compute the same block,
the second's own is given back, as the tree does it.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from evenhand.sim.engine.prefix_cache.node import Path

Name = tuple[object, ...]
"""Of what a block holds: the name of the block before it, and its tokens."""


@dataclass(eq=False)
class Block:
    name: Name | None = None
    holders: int = 0


@dataclass(eq=False)
class Holding:
    """The blocks of one sequence in order; the first `shared` of them are remembered."""

    blocks: list[Block] = field(default_factory=list)
    shared: int = 0


class SingleBlocks:
    def __init__(self, blocks: int, block_tokens: int) -> None:
        self.size = block_tokens
        self.line: OrderedDict[Block, None] = OrderedDict((Block(), None) for _ in range(blocks))
        self.known: dict[Name, Block] = {}

    @property
    def idle(self) -> int:
        return len(self.line)

    def names(self, path: Path, tokens_max: int) -> list[Name]:
        """Of the whole blocks among the first tokens. Equal names are the same object."""
        tokens = [(content, n) for content, count in path for n in range(count)][:tokens_max]
        names: list[Name] = []
        before: object = None
        for start in range(0, len(tokens) - self.size + 1, self.size):
            name = (before, *tokens[start : start + self.size])
            before = id(_INTERNED.setdefault(name, name))
            names.append(name)
        return names

    def find(self, path: Path, tokens_max: int) -> list[Block]:
        found = []
        for name in self.names(path, tokens_max):
            if name not in self.known:
                break
            found.append(self.known[name])
        return found

    def seat(self, path: Path, tokens: int) -> Holding | None:
        """Blocks for so many tokens, those that are there included; None if there are too few."""
        found = self.find(path, tokens - 1)
        fresh = -(-tokens // self.size) - len(found)
        if fresh + sum(not b.holders for b in found) > self.idle:
            return None
        for block in found:
            self.hold(block)
        holding = Holding(found, len(found))
        self.grow(holding, fresh)
        return holding

    def hold(self, block: Block) -> None:
        if not block.holders:
            del self.line[block]
        block.holders += 1

    def grow(self, holding: Holding, blocks: int) -> None:
        for _ in range(blocks):
            block, _ = self.line.popitem(last=False)
            if block.name is not None:
                del self.known[block.name]
                block.name = None
            block.holders = 1
            holding.blocks.append(block)

    def share(self, holding: Holding, path: Path, tokens: int) -> None:
        """Remember what so many tokens left in its whole blocks."""
        names = self.names(path, tokens)
        own = holding.blocks[holding.shared : len(names)]
        for number, (block, name) in enumerate(
            zip(own, names[holding.shared :], strict=True), start=holding.shared
        ):
            if (other := self.known.get(name)) is not None:
                block.holders = 0
                self.line[block] = None
                self.hold(other)
                holding.blocks[number] = other
            else:
                block.name = name
                self.known[name] = block
        holding.shared = max(holding.shared, len(names))

    def release(self, holding: Holding) -> None:
        for block in reversed(holding.blocks):
            block.holders -= 1
            if not block.holders:
                self.line[block] = None


_INTERNED: dict[Name, Name] = {}
