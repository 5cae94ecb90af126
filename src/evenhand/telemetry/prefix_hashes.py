"""Names for the beginnings of prompts that tell whether two are alike, and nothing else of them.

A prompt's text is cut into blocks of equal bytes; a block's name is a keyed hash of all text up to its
end. The key is made at the start of the process, stays in it, and dies with it, so that nobody can try
out whether a text that he guesses was asked.
"""

import secrets
from hashlib import blake2b

BLOCK_TOKENS = 512
"""Of the input that a block stands for: what traces of this kind are read with."""

_KEY_BYTES = 32
_NAME_BITS = 53
"""Whole numbers of so many bits survive every reader of JSON."""


class PrefixHashes:
    """`block_bytes` of text stand for 512 tokens. Texts of different domains have different names."""

    def __init__(self, block_bytes: int) -> None:
        self._block_bytes = block_bytes
        self._key = secrets.token_bytes(_KEY_BYTES)

    def names(self, domain: str, text: bytes, input_tokens: int) -> list[int]:
        """Of the whole blocks of a text, as many of them as its tokens fill."""
        size = self._block_bytes
        blocks = min(len(text) // size, input_tokens // BLOCK_TOKENS)
        hashed = blake2b(_framed(domain), digest_size=8, key=self._key, person=b"prompt")
        names = []
        for block in range(blocks):
            hashed.update(text[block * size : (block + 1) * size])
            names.append(int.from_bytes(hashed.copy().digest()) >> (64 - _NAME_BITS))
        return names

    def name(self, *words: str) -> str:
        """Of something else that belongs together."""
        hashed = blake2b(digest_size=8, key=self._key, person=b"interaction")
        for word in words:
            hashed.update(_framed(word))
        return hashed.hexdigest()


def _framed(word: str) -> bytes:
    """So that no two lists of words make the same bytes."""
    data = word.encode()
    return len(data).to_bytes(4) + data
