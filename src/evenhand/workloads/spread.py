"""A range of whole numbers, each as likely as the others."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """From `least` to `most`, both included."""

    least: int
    most: int

    def __post_init__(self) -> None:
        assert 0 <= self.least <= self.most

    def pick(self, rng: random.Random) -> int:
        """Draw one number."""
        return rng.randint(self.least, self.most)
