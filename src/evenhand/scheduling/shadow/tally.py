"""What is counted of one tenant in one world."""

from dataclasses import dataclass, field

from evenhand.scheduling.shadow.waits import Waits


@dataclass(slots=True)
class Tally:
    """Requests that have ended. `waits` has every one of them, also those that ended while they waited;
    these are counted in `unserved`. `contended_units` is the service received while tenants competed."""

    waits: Waits = field(default_factory=Waits)
    unserved: int = 0
    contended_units: int = 0

    def include(self, other: "Tally") -> None:
        """Add all that the other has."""
        self.waits.include(other.waits)
        self.unserved += other.unserved
        self.contended_units += other.contended_units
