"""Where a connection stands."""

from enum import Enum


class Phase(Enum):
    """What the next received byte means."""

    HEAD = 0
    BODY = 1
    ANSWER = 2
    """A request is being answered; what arrives is ahead of its turn."""
    LINGER = 3
    """The last answer is written; what arrives is thrown away until the client closes."""
    CLOSED = 4
