"""How a published figure fared."""

from enum import StrEnum


class Verdict(StrEnum):
    """`DIRECTION`: who wins is the same, by how much is not. `DOUBTFUL`: the published figure cannot be
    right, the note says why. `UNCHECKED`: nothing was published that it could be held against."""

    REPRODUCED = "reproduced"
    DIRECTION = "direction only"
    MISSED = "missed"
    DOUBTFUL = "the published figure cannot be right"
    UNCHECKED = "cannot be checked"
