"""A hash that is the same in every process, as integers. Not for secrets: whoever wants to can make
two texts collide, and gains a neighbour by it."""

_PRIME = (1 << 64) - 59
_MASK = (1 << 64) - 1


def hash_of(text: bytes) -> int:
    """Of 64 bits: the text as one number, by a prime. A leading 1 tells texts of zeros apart."""
    return mixed(int.from_bytes(b"\x01" + text, "big") % _PRIME)


def mixed(number: int) -> int:
    """Every bit of the answer depends on every bit of the number (the last steps of splitmix64)."""
    number &= _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)
