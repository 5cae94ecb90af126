"""The prefix index beside sets of prefixes, under any order of inserting, evicting and forgetting."""

from collections import defaultdict

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from evenhand.locality import HOLDING_BYTES, NODE_BYTES, EngineMemories, PrefixIndex
from evenhand.locality.prefix_node import PrefixNode
from evenhand.model import EngineName

ENGINES = tuple(EngineName(name) for name in ("north", "east", "south", "west"))
engines = st.sampled_from(ENGINES)
prompts = st.lists(st.sampled_from([b"a", b"b", b"abab", b"\0", b"\xff" * 40]), max_size=6).map(
    b"".join
)


def beginnings(prompt: bytes) -> set[bytes]:
    return {prompt[:end] for end in range(1, len(prompt) + 1)}


class PrefixIndexMachine(RuleBasedStateMachine):
    """With room for everything: the index says what the sets say, and its shape is the smallest."""

    bytes_max = 1 << 20

    def __init__(self) -> None:
        super().__init__()
        self.memories = EngineMemories()
        self.index = PrefixIndex(self.bytes_max, self.memories)
        self.held: dict[EngineName, set[bytes]] = defaultdict(set)

    @rule(prompt=prompts, engine=engines)
    def insert(self, prompt: bytes, engine: EngineName) -> None:
        needed = self.index.bytes_stored + len(prompt) + 2 * NODE_BYTES + 10 * HOLDING_BYTES
        self.index.insert(prompt, engine)
        self.held[engine] |= beginnings(prompt)
        self.made_room(needed)
        assert self.index.matched(prompt, engine) == len(prompt)

    @rule(engine=engines, data=st.data())
    def evict_what_is_held(self, engine: EngineName, data: st.DataObject) -> None:
        if self.held[engine]:
            self.evict(data.draw(st.sampled_from(sorted(self.held[engine]))), engine)

    @rule(prompt=prompts, engine=engines)
    def evict_anything(self, prompt: bytes, engine: EngineName) -> None:
        self.evict(prompt, engine)

    def evict(self, prompt: bytes, engine: EngineName) -> None:
        needed = self.index.bytes_stored + NODE_BYTES + len(ENGINES) * HOLDING_BYTES
        self.index.evict(engine, prompt)
        self.held[engine] = {held for held in self.held[engine] if not held.startswith(prompt)}
        self.made_room(needed)

    @precondition(lambda self: sum(map(len, self.held.values())) > 1000)
    @rule(engine=engines)
    def forget(self, engine: EngineName) -> None:
        self.index.forget(engine)
        self.held.pop(engine, None)

    @rule(engine=engines, bytes_max=st.integers(0, 100))
    def trim(self, engine: EngineName, bytes_max: int) -> None:
        """It can hold no more than so much: as much as that is left, whole from their beginnings."""
        held = self.memories.held_bytes(engine)
        needed = self.index.bytes_stored + NODE_BYTES + len(ENGINES) * HOLDING_BYTES
        assert self.memories.trim(engine, bytes_max) == (held > bytes_max)
        believed = self._believed(engine)
        assert len(believed) == min(held, bytes_max) or needed > self.bytes_max
        assert believed <= self.held[engine]
        assert all(text[:-1] in believed for text in believed if len(text) > 1)
        self.held[engine] = believed
        self.made_room(needed)

    @rule(prompt=prompts)
    def asked(self, prompt: bytes) -> None:
        lengths = {engine: self._length(prompt, engine) for engine in ENGINES}
        assert {engine: self.index.matched(prompt, engine) for engine in ENGINES} == lengths
        known = {engine: length for engine, length in lengths.items() if length}
        assert self.index.matched_by_engine(prompt) == known
        longest = max(lengths.values())
        who = sorted(engine for engine in known if known[engine] == longest)
        assert self.index.longest(prompt) == (longest, tuple(who))

    def _length(self, prompt: bytes, engine: EngineName) -> int:
        return len(beginnings(prompt) & self.held[engine])

    def made_room(self, needed: int) -> None:
        """What became of the index where it may have needed that many bytes."""
        assert needed <= self.bytes_max

    @invariant()
    def believes_what_it_was_told_and_nothing_else(self) -> None:
        for engine in ENGINES:
            assert self._believed(engine) == self.held[engine]

    @invariant()
    def takes_the_memory_that_it_says(self) -> None:
        nodes = self._nodes()
        text = sum(len(node.edge) for node, _ in nodes)
        holdings = sum(node.holders.bit_count() - 1 for node, _ in nodes)
        assert self.index.bytes_stored == text + NODE_BYTES * len(nodes) + HOLDING_BYTES * holdings
        assert self.index.bytes_stored <= self.bytes_max

    @invariant()
    def has_the_smallest_shape(self) -> None:
        for node, _ in self._nodes():
            assert node.edge
            assert node.holders
            assert node.holders & node.parent.holders == node.holders
            assert node.parent.children[node.edge[0]] is node
            below = list(node.children.values())
            assert len(below) != 1 or below[0].holders != node.holders

    @invariant()
    def forgets_leaves_first(self) -> None:
        order = {node: place for place, node in enumerate(self.index._nodes)}
        assert set(order) == {node for node, _ in self._nodes()}
        for node, place in order.items():
            assert all(order[child] < place for child in node.children.values())

    @invariant()
    def each_engine_forgets_ends_first(self) -> None:
        for engine in ENGINES:
            bit = self.index._engines.bit(engine)
            order = {node: place for place, node in enumerate(self.memories.of(engine).nodes)}
            assert set(order) == {node for node, _ in self._nodes() if node.holders & bit}
            assert self.memories.held_bytes(engine) == sum(len(node.edge) for node in order)
            for node, place in order.items():
                below = (child for child in node.children.values() if child.holders & bit)
                assert all(order[child] < place for child in below)

    def _nodes(self) -> list[tuple[PrefixNode, bytes]]:
        """All but the root, with the prefix up to the parent's end."""
        found: list[tuple[PrefixNode, bytes]] = []
        at = [(self.index._root, b"")]
        for node, text in at:
            below = [(child, text + node.edge) for child in node.children.values()]
            found += below
            at += below
        return found

    def _believed(self, engine: EngineName) -> set[bytes]:
        bit = self.index._engines.bit(engine)
        ends = {text + node.edge for node, text in self._nodes() if node.holders & bit}
        return set().union(*map(beginnings, ends))


class LittleRoomMachine(PrefixIndexMachine):
    """With room for little: it forgets only when it must, and never what was just inserted."""

    bytes_max = len(ENGINES) * NODE_BYTES + 6 * HOLDING_BYTES + 6 * 40

    def made_room(self, needed: int) -> None:
        if needed <= self.bytes_max:
            return
        for engine in ENGINES:
            believed = self._believed(engine)
            assert believed <= self.held[engine]
            self.held[engine] = believed
