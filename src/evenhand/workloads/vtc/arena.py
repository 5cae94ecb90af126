"""A chat arena of 27 clients, drawn so that it resembles the trace that the VTC artifact ships.

Parameters were read off that trace (1,500 requests in 600 s, a resample of LMSYS Chatbot Arena by the
paper's authors, Apache-2.0): of each client how many requests it sent, how long they were on average
and from when to when it sent; of all together how lengths are spread. Within that time a client's
moments are independent of each other.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evenhand.workloads.vtc.arrivals import Lengths, Row

MEASURED_SECONDS = 600


class Member(NamedTuple):
    """What was measured of one client."""

    requests: int
    input_mean: int
    output_mean: int
    first_s: int
    last_s: int


MEMBERS = (
    Member(199, 134, 260, 0, 582),
    Member(40, 172, 188, 20, 577),
    Member(296, 144, 292, 0, 598),
    Member(22, 117, 224, 453, 589),
    Member(66, 110, 286, 288, 596),
    Member(120, 164, 175, 1, 597),
    Member(67, 121, 280, 14, 583),
    Member(56, 121, 193, 1, 598),
    Member(36, 69, 260, 9, 597),
    Member(23, 97, 103, 50, 573),
    Member(262, 123, 307, 206, 600),
    Member(26, 183, 276, 19, 587),
    Member(43, 155, 197, 105, 579),
    Member(44, 180, 239, 0, 597),
    Member(22, 324, 208, 44, 269),
    Member(46, 83, 227, 218, 582),
    Member(25, 126, 211, 206, 598),
    Member(3, 5, 17, 15, 28),
    Member(12, 137, 369, 4, 149),
    Member(19, 233, 166, 13, 150),
    Member(31, 108, 317, 413, 593),
    Member(2, 92, 12, 27, 64),
    Member(19, 98, 257, 409, 571),
    Member(11, 135, 155, 11, 83),
    Member(2, 14, 330, 590, 594),
    Member(7, 68, 66, 16, 118),
    Member(1, 16, 286, 592, 592),
)

_LEVELS = (0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
_INPUT_TOKENS = (2, 2, 5, 10, 16, 24, 40, 68, 124, 214, 432, 653, 902, 1021)
_OUTPUT_TOKENS = (2, 10, 18, 43, 85, 141, 211, 308, 400, 511, 513, 513, 785, 977)
"""Quantiles at these levels, over all clients."""

_INPUT_MEAN = 136.3
_OUTPUT_MEAN = 256.2


def arena(
    draws: np.random.RandomState, lengths: Lengths, rates: Sequence[float], seconds: float
) -> list[Row]:
    """`rates` are factors of what each client was measured to send; `lengths` are the arena's own."""
    del lengths
    rows = []
    stretch = seconds / MEASURED_SECONDS
    for client, (member, factor) in enumerate(zip(MEMBERS, rates, strict=True)):
        count = round(member.requests * factor * stretch)
        first_s, last_s = member.first_s * stretch, (member.last_s + 1) * stretch
        moments = np.sort(draws.uniform(first_s, last_s, count)).tolist()
        inputs = _tokens(draws, _INPUT_TOKENS, member.input_mean / _INPUT_MEAN, count)
        outputs = _tokens(draws, _OUTPUT_TOKENS, member.output_mean / _OUTPUT_MEAN, count)
        rows += list(map(Row, moments, [client] * count, inputs, outputs))
    return rows


def _tokens(
    draws: np.random.RandomState, quantiles: Sequence[int], factor: float, count: int
) -> list[int]:
    """Lengths spread as over all clients, times what this one's are longer."""
    spread = np.interp(draws.rand(count), _LEVELS, quantiles)
    drawn = np.clip(np.rint(spread * factor), quantiles[0], quantiles[-1])
    return [int(tokens) for tokens in drawn]
