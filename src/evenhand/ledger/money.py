"""Money as integers, and how people read it."""

NANO = 1_000_000_000
"""Nano-units in one unit of a currency."""


def decimal_text(nano: int) -> str:
    """Nano-units as a decimal number of units, exact and without idle zeros: 1_500_000_000 is "1.5"."""
    sign, nano = ("-", -nano) if nano < 0 else ("", nano)
    text = f"{sign}{nano // NANO}.{nano % NANO:09d}"
    return text.rstrip("0").removesuffix(".")
