"""The tree of extents: what it remembers and forgets, and that it is single blocks in effect."""

import random

import pytest

from evenhand.sim.engine.prefix_cache import BlockCache, Node
from evenhand.sim.engine.prefix_cache.node import Path
from evenhand.workloads.ask import Segment
from support.single_blocks import Holding, SingleBlocks

BLOCK = 16


def path(*pieces: tuple[int, int]) -> Path:
    return tuple(Segment(*piece) for piece in pieces)


class Seat:
    """A sequence as an engine keeps it."""

    def __init__(self, cache: BlockCache, prompt: Path, tokens: int) -> None:
        self.cache, self.prompt = cache, prompt
        node, self.hit, _ = cache.find(prompt, tokens - 1)
        self.own = -(-tokens // BLOCK) - self.hit // BLOCK
        self.node: Node = cache.hold(node, self.hit)
        cache.take(self.own)
        self.shared = self.hit

    def keep(self, prompt: Path, tokens: int) -> None:
        self.node = self.cache.keep(self.node, prompt, tokens)
        self.own -= (tokens - self.shared) // BLOCK
        self.shared = tokens

    def leave(self) -> None:
        self.cache.release(self.node, self.own)


def remember(cache: BlockCache, prompt: Path) -> None:
    """A sequence comes, computes its prompt and goes."""
    tokens = sum(s.tokens for s in prompt)
    seat = Seat(cache, prompt, tokens)
    seat.keep(prompt, tokens - tokens % BLOCK)
    seat.leave()


def found(cache: BlockCache, prompt: Path) -> int:
    return cache.find(prompt, sum(s.tokens for s in prompt))[1]


def test_prompts_share_whole_blocks_as_long_as_they_begin_with_the_same_contents() -> None:
    cache = BlockCache(100, BLOCK)
    remember(cache, path((1, 100), (2, 60)))
    assert found(cache, path((1, 100), (2, 60))) == 160
    assert found(cache, path((1, 100), (2, 30))) == 128
    assert found(cache, path((1, 100), (3, 60))) == 96
    assert found(cache, path((1, 120), (2, 40))) == 96
    assert found(cache, path((1, 90), (2, 70))) == 80
    assert found(cache, path((2, 160))) == 0


def test_the_same_content_at_another_place_is_another_prefix() -> None:
    cache = BlockCache(100, BLOCK)
    remember(cache, path((1, 16), (1, 64)))
    assert found(cache, path((1, 80))) == 16
    assert found(cache, path((1, 16), (1, 64))) == 80


def test_blocks_parted_by_contents_within_them_are_different() -> None:
    cache = BlockCache(100, BLOCK)
    remember(cache, path((1, 8), (2, 8), (3, 16)))
    remember(cache, path((1, 8), (4, 8), (3, 16)))
    remember(cache, path((1, 8), (2, 4), (4, 4), (3, 16)))
    assert found(cache, path((1, 8), (2, 8), (3, 32))) == 32
    assert found(cache, path((1, 8), (4, 8), (3, 32))) == 32
    assert found(cache, path((1, 8), (2, 4), (4, 20))) == 16


def test_the_end_is_forgotten_before_the_beginning() -> None:
    cache = BlockCache(10, BLOCK)
    remember(cache, path((1, 160)))
    cache.take(3)
    assert found(cache, path((1, 160))) == 112


def test_who_was_used_last_is_forgotten_last() -> None:
    cache = BlockCache(12, BLOCK)
    for content in (1, 2, 3):
        remember(cache, path((content, 64)))
    remember(cache, path((1, 80)))  # takes a block of content 2
    assert [found(cache, path((content, 80))) for content in (1, 2, 3)] == [80, 48, 64]


def test_what_is_held_is_not_forgotten() -> None:
    cache = BlockCache(10, BLOCK)
    held = Seat(cache, path((1, 64)), 64)
    held.keep(held.prompt, 64)
    assert cache.idle == 6
    remember(cache, path((1, 64), (2, 96)))
    cache.take(cache.idle)
    assert found(cache, path((1, 64), (2, 96))) == 64
    with pytest.raises(AssertionError):
        cache.take(1)


def test_blocks_that_nobody_can_find_age_like_all_others() -> None:
    cache = BlockCache(10, BLOCK)
    cache.take(5)
    remember(cache, path((1, 32)))  # from the five that were never used
    cache.release(None, 5)
    cache.take(3)  # the rest of those
    assert found(cache, path((1, 32))) == 32
    cache.take(2)
    assert found(cache, path((1, 32))) == 0
    assert cache.idle == 5


def test_a_block_that_two_computed_is_kept_once() -> None:
    cache = BlockCache(10, BLOCK)
    first = Seat(cache, path((1, 64)), 64)
    second = Seat(cache, path((1, 64)), 64)
    assert (first.hit, second.hit, cache.idle) == (0, 0, 2)
    first.keep(first.prompt, 64)
    second.keep(second.prompt, 64)
    assert cache.idle == 6
    first.leave()
    assert cache.idle == 6
    second.leave()
    assert cache.idle == 10


def test_a_talk_of_many_turns_is_one_node() -> None:
    cache = BlockCache(10_000, BLOCK)
    said = path((1, 70))
    for turn in range(2, 100):
        said = (*said, Segment(turn, 50))
        remember(cache, said)
    (node,) = cache.root.children.values()
    assert not node.children
    assert found(cache, said) == (70 + 98 * 50) // BLOCK * BLOCK


def check_tree(cache: BlockCache, used: int) -> None:
    """What must hold at any time."""
    blocks = 0
    nodes = [cache.root]
    while nodes:
        node = nodes.pop()
        assert node.start % BLOCK == node.end % BLOCK == 0
        assert node is cache.root or node.start < node.end
        assert (node.holders == 0) == (node in cache._line)
        for key, child in node.children.items():
            assert child.key == key
            assert child.parent is node
            assert child.start == node.end
            assert node.holders or not child.holders
        nodes += node.children.values()
        blocks += (node.end - node.start) // BLOCK if not node.holders else 0
    spare = sum(s.blocks for s in cache._line if not isinstance(s, Node))
    assert cache.idle == blocks + spare == cache.blocks - used


def some_path(rng: random.Random) -> Path:
    """Of few contents, so that many agree up to somewhere."""
    lengths = (1, 5, 15, 16, 17, 32, 50, 100)
    pieces = rng.randint(1, 4)
    return tuple(Segment(rng.randint(0, 2), rng.choice(lengths)) for _ in range(pieces))


@pytest.mark.parametrize("seed", range(20))
def test_it_is_single_blocks_in_effect(seed: int) -> None:
    """Same finds, same room, after any calls: also what is forgotten is the same, block by block."""
    rng = random.Random(seed)
    blocks = rng.choice((15, 30, 80))
    cache, plain = BlockCache(blocks, BLOCK), SingleBlocks(blocks, BLOCK)
    seats: list[tuple[Seat, Holding, int]] = []
    for _ in range(300):
        prompt = some_path(rng)
        tokens = sum(s.tokens for s in prompt)
        _, hit, idle = cache.find(prompt, tokens - 1)
        assert hit // BLOCK == len(plain.find(prompt, tokens - 1))
        if rng.random() < 0.5:
            holding = plain.seat(prompt, tokens)
            needed = -(-tokens // BLOCK) - hit // BLOCK
            assert (holding is not None) == (needed + idle <= cache.idle)
            if holding is not None:
                seats.append((Seat(cache, prompt, tokens), holding, tokens))
                assert seats[-1][0].hit // BLOCK == holding.shared
        elif seats:
            seat, holding, tokens = seats.pop(rng.randrange(len(seats)))
            grown = min(rng.randint(0, 2), plain.idle)
            cache.take(grown)
            plain.grow(holding, grown)
            seat.own += grown
            answered = (*seat.prompt, Segment(7, grown * BLOCK)) if grown else seat.prompt
            known = rng.choice((tokens, tokens, tokens + grown * BLOCK))
            known -= known % BLOCK
            if known > seat.shared:
                seat.keep(answered, known)
                plain.share(holding, answered, known)
            seat.leave()
            plain.release(holding)
        assert cache.idle == plain.idle
        check_tree(cache, blocks - plain.idle)
