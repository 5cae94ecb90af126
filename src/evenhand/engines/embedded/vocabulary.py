"""A byte-level BPE vocabulary: common English words are one token, everything else still encodes.

The alphabet is the one of GPT-2: each byte is one printable character, the space is `Ġ`.
"""

import functools
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from evenhand.engines.embedded.words import WORDS

BEGIN, END, TURN_BEGIN, TURN_END = "<s>", "</s>", "<|im_start|>", "<|im_end|>"
CONTROLS = (BEGIN, END, TURN_BEGIN, TURN_END)


@dataclass(frozen=True)
class Vocabulary:
    """Token texts by id and BPE merges by rank, both in the byte alphabet."""

    tokens: tuple[str, ...]
    merges: tuple[str, ...]
    words: tuple[int, ...]
    """Ids of tokens that are a space and a whole word: what a model may say to be readable."""


@functools.cache
def english_vocabulary() -> Vocabulary:
    """Controls, then the 256 bytes, then what merging gives: words first, then letter pairs."""
    tokens = dict.fromkeys([*CONTROLS, *_byte_alphabet()])
    merges = [*_learned_merges(), *_letter_pairs()]
    tokens.update(dict.fromkeys(left + right for left, right in merges))
    whole_words = {"Ġ" + word for word in WORDS}
    return Vocabulary(
        tokens=tuple(tokens),
        merges=tuple(f"{left} {right}" for left, right in merges),
        words=tuple(number for number, token in enumerate(tokens) if token in whole_words),
    )


def _byte_alphabet() -> list[str]:
    """The printable character of each byte: itself where it is visible, else one from 256 up."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    characters = []
    moved = 0
    for byte in range(256):
        if byte in visible:
            characters.append(chr(byte))
        else:
            characters.append(chr(256 + moved))
            moved += 1
    return characters


def _learned_merges() -> list[tuple[str, str]]:
    """BPE learned from the word list until every word is one token."""
    spelled = [["Ġ", *word] for word in WORDS]
    counts = [100_000 // (rank + 8) for rank in range(len(WORDS))]
    merges: list[tuple[str, str]] = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for pieces, count in zip(spelled, counts, strict=True):
            for pair in pairwise(pieces):
                pairs[pair] += count
        if not pairs:
            return merges
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for pieces in spelled:
            _join(pieces, best)


def _join(pieces: list[str], pair: tuple[str, str]) -> None:
    """Merge `pair` wherever it stands in `pieces`."""
    place = 0
    while place < len(pieces) - 1:
        if (pieces[place], pieces[place + 1]) == pair:
            pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
        place += 1


def _letter_pairs() -> list[tuple[str, str]]:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    return [(left, right) for left in ["Ġ", *letters] for right in letters]
