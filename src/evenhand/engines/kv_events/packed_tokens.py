"""Token ids as bytes of one width, so that an index of prefixes can compare them like text."""

import array
import sys
from collections.abc import Sequence

TOKEN_BYTES = 4


def packed(tokens: Sequence[int]) -> bytes:
    """Four bytes a token, the highest first. Raises OverflowError for what is no token id."""
    ids = array.array("I", tokens)
    assert ids.itemsize == TOKEN_BYTES
    if sys.byteorder == "little":
        ids.byteswap()
    return ids.tobytes()
