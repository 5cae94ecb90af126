"""Bytes that stand for prompts, so that a log holds none of their text.

Two prompts share as many whole blocks as their stand-ins do, which is all that a core looks at. A block
becomes a keyed hash of all text up to its end; the key is drawn anew for each log and kept nowhere, so a
stand-in can neither be read nor be tried against a guess.
"""

import secrets
from collections.abc import Iterable
from hashlib import blake2b

BLOCK_BYTES = 64
"""About sixteen tokens of English, as many as engines keep or drop together."""

_KEY_BYTES = 32


class StandIns:
    """Of one log."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(_KEY_BYTES)

    def of(self, text: bytes) -> bytes:
        """As long as the text."""
        return b"".join(self._blocks(text))[: len(text)]

    def of_whole_blocks(self, text: bytes) -> bytes:
        """Of the text up to the last whole block, so that it begins the stand-in of whatever continues
        the text."""
        return self.of(text[: len(text) - len(text) % BLOCK_BYTES])

    def _blocks(self, text: bytes) -> Iterable[bytes]:
        digest = b""
        for start in range(0, len(text), BLOCK_BYTES):
            block = text[start : start + BLOCK_BYTES]
            digest = blake2b(digest + block, key=self._key, digest_size=BLOCK_BYTES).digest()
            yield digest
