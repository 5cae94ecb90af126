"""How clients arrive in the suites of the VTC artifact.

Draws are made in the order in which its generator makes them, from the same kind of generator: with
its seed, 42, the arrivals are those of its measured runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """One request."""

    at_s: float
    client: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Ranges that lengths are drawn from, each as likely as the others, the ends included."""

    input_tokens: tuple[int, int]
    output_tokens: tuple[int, int]

    def draw(self, draws: np.random.RandomState, count: int) -> list[tuple[int, int]]:
        """So many pairs of input and output."""
        inputs = draws.randint(self.input_tokens[0], self.input_tokens[1] + 1, count)
        outputs = draws.randint(self.output_tokens[0], self.output_tokens[1] + 1, count)
        return list(zip(inputs.tolist(), outputs.tolist(), strict=True))


def is_pause(at_s: float, on_off_s: float) -> bool:
    """Whether a client that is on and off by turns is off; 0: it is never."""
    return on_off_s > 0 and int(at_s // on_off_s) % 2 == 1


def evenly(
    draws: np.random.RandomState,
    lengths: Lengths,
    rates: Sequence[float],
    seconds: float,
    *,
    on_off_s: float = 0,
    start_s: float = 0,
) -> list[Row]:
    """Each client at equal distances from a random phase on; the first may be on and off by turns."""
    rows = []
    for client, rate in enumerate(rates):
        pairs = lengths.draw(draws, int(rate * seconds))
        at_s = start_s + draws.rand() / rate
        for input_tokens, output_tokens in pairs:
            at_s += 1 / rate
            if client or not is_pause(at_s, on_off_s):
                rows.append(Row(at_s, client, input_tokens, output_tokens))
    return rows


def rising(
    draws: np.random.RandomState,
    lengths: Lengths,
    rates: Sequence[float],
    seconds: float,
    *,
    first_part: float,
) -> list[Row]:
    """The first client at equal distances; the second ever faster, from that part of its rate to all."""
    steady, last_rate = rates
    first_rate = first_part * last_rate
    rows = []
    at_s = 0.0
    for input_tokens, output_tokens in lengths.draw(draws, int(steady * seconds)):
        at_s += 1 / steady
        rows.append(Row(at_s, 0, input_tokens, output_tokens))
    at_s = 0.0
    for input_tokens, output_tokens in lengths.draw(
        draws, int((first_rate + last_rate) / 2 * seconds)
    ):
        at_s += 1 / (first_rate + (last_rate - first_rate) * at_s / seconds)
        rows.append(Row(at_s, 1, input_tokens, output_tokens))
    return rows


def thinned(
    draws: np.random.RandomState,
    lengths: Lengths,
    rates: Sequence[float],
    seconds: float,
    *,
    on_off_s: float = 0,
    first_lengths: Lengths | None = None,
) -> list[Row]:
    """Two clients share one Poisson process, each arrival is one's by chance; the first may be on and
    off by turns and have lengths of its own, which are not drawn but fixed."""
    first_rate, second_rate = rates
    count = int((first_rate + second_rate) * seconds)
    is_second = draws.rand(count) > first_rate / (first_rate + second_rate)
    pairs = lengths.draw(draws, count)
    moments = np.cumsum(draws.gamma(1, 1 / (first_rate + second_rate), count))
    rows = []
    for at_s, second, pair in zip(moments.tolist(), is_second.tolist(), pairs, strict=True):
        if second or not is_pause(at_s, on_off_s):
            own = pair
            if first_lengths is not None and not second:
                own = first_lengths.input_tokens[0], first_lengths.output_tokens[0]
            rows.append(Row(at_s, int(second), *own))
    return rows
