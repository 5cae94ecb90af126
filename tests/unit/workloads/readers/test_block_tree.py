"""Stretches of contents share exactly what lists of blocks share."""

from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from evenhand.workloads.ask import Segment
from evenhand.workloads.readers.block_tree import BlockTree

BLOCK = 4
ids = st.lists(st.integers(0, 2), min_size=1, max_size=7)


def shared(one: tuple[Segment, ...], other: tuple[Segment, ...]) -> int:
    """Tokens that two prompts begin with in common, as a prefix cache sees it."""
    tokens = 0
    for a, b in zip(one, other, strict=False):
        if a.content != b.content:
            break
        tokens += min(a.tokens, b.tokens)
        if a.tokens != b.tokens:
            break
    return tokens


@given(st.lists(ids, min_size=2, max_size=12))
def test_prompts_share_the_blocks_they_begin_with(rows: list[list[int]]) -> None:
    tree = BlockTree(BLOCK)
    contents = [tree.add(row) for row in rows]
    prompts = [
        tree.prompt(content, len(row) * BLOCK, len(row) * BLOCK, number)
        for number, (content, row) in enumerate(zip(contents, rows, strict=True))
    ]
    for row, prompt in zip(rows, prompts, strict=True):
        assert sum(tokens for _, tokens in prompt) == len(row) * BLOCK
        for other, its in zip(rows, prompts, strict=True):
            pairs = zip(row, other, strict=False)
            common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            assert shared(prompt, its) == common * BLOCK


def test_a_conversation_that_grows_is_one_stretch() -> None:
    tree = BlockTree(BLOCK)
    lengths = (2, 5, 9, 3)
    contents = [tree.add(range(length)) for length in lengths]
    assert len(set(contents)) == 1
    prompts = [
        tree.prompt(content, length * BLOCK, length * BLOCK, row)
        for row, (content, length) in enumerate(zip(contents, lengths, strict=True))
    ]
    assert prompts == [(Segment(contents[0], length * BLOCK),) for length in lengths]
