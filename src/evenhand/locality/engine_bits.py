"""A bit for each engine: a set of engines is one integer. Bits of those that left are reused."""

from evenhand.model import EngineName


class EngineBits:
    """Bounded by the engines that have joined and not left."""

    def __init__(self) -> None:
        self._bits: dict[EngineName, int] = {}
        self._names: dict[int, EngineName] = {}

    def join(self, engine: EngineName) -> int:
        """Its bit; the lowest free one if it is new."""
        bit = self._bits.get(engine)
        if bit is None:
            taken = sum(self._names)
            bit = ~taken & (taken + 1)
            self._bits[engine] = bit
            self._names[bit] = engine
        return bit

    def bit(self, engine: EngineName) -> int:
        """Its bit; 0 if it is not here."""
        return self._bits.get(engine, 0)

    def leave(self, engine: EngineName) -> int:
        """The bit that it had, free from now on; 0 if it was not here."""
        bit = self._bits.pop(engine, 0)
        self._names.pop(bit, None)
        return bit

    def names(self, engines: int) -> list[EngineName]:
        """Who is in a set, sorted by name."""
        found = []
        while engines:
            lowest = engines & -engines
            found.append(self._names[lowest])
            engines ^= lowest
        return sorted(found)
