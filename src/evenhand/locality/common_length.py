"""How many bytes two texts have in common at their beginning."""

_FIRST = 256
_GROWTH = 8
_LAST = 128
"""Bytes few enough to be compared as one integer."""


def common_length(a: bytes, b: bytes) -> int:
    """The length of the longest common prefix, in bytes.

    Compares blocks that grow until one differs, then halves that one. So the cost follows the common
    length, and not the lengths of the two.
    """
    end = min(len(a), len(b))
    at, size = 0, _FIRST
    while b.startswith(a[at : min(at + size, end)], at):
        at += size
        if at >= end:
            return end
        size *= _GROWTH
    size = min(size, end - at)
    while size > _LAST:
        half = size // 2
        if b.startswith(a[at : at + half], at):
            at += half
            size -= half
        else:
            size = half
    difference = int.from_bytes(a[at : at + size]) ^ int.from_bytes(b[at : at + size])
    return at + size - (difference.bit_length() + 7) // 8
