"""Where a call is between its body and its one ending."""

from enum import Enum, auto


class Phase(Enum):
    READING = auto()
    TOKENISING = auto()
    """Its prompt is on the way to the tokens by which it is compared."""
    HOLDING = auto()
    """Its hold is on the way to the disk."""
    QUEUED = auto()
    RUNNING = auto()
    RECORDING = auto()
    """Settled; its settlement is on the way to the disk, and its last bytes are kept back."""
    ENDED = auto()


NOT_SUBMITTED = frozenset({Phase.READING, Phase.TOKENISING, Phase.HOLDING})
"""The scheduler does not know it, or no more."""
