"""The suites of the VTC paper by name: rates, lengths, duration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from evenhand.workloads.vtc.arena import arena
from evenhand.workloads.vtc.arrivals import Lengths, Row, evenly, rising, thinned

Arrive = Callable[[np.random.RandomState, Lengths, Sequence[float], float], list[Row]]

SHIFTS = ((0.5, 2), (1, 1), (0.5, 1.5))
"""Rates of the two clients of `dist_shift` in each third."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """`rates` in requests a second, a client each. Weights are 1 where none are given."""

    name: str
    summary: str
    rates: tuple[float, ...]
    lengths: Lengths
    seconds: int
    arrive: Arrive = evenly
    weights: tuple[int, ...] = ()
    figure: str = ""


def tokens(input_tokens: int, output_tokens: int | None = None) -> Lengths:
    """All requests of one length; one number: output is as long as input."""
    output = input_tokens if output_tokens is None else output_tokens
    return Lengths(input_tokens=(input_tokens,) * 2, output_tokens=(output,) * 2)


def shifting(
    draws: np.random.RandomState, lengths: Lengths, rates: Sequence[float], seconds: float
) -> list[Row]:
    """Three thirds: the first client on and off, then both overload, then one asks for less than its
    share. `rates` are factors of what is published."""
    rows: list[Row] = []
    for third, shift in enumerate(SHIFTS):
        scaled = [rate * factor for rate, factor in zip(shift, rates, strict=True)]
        start_s = third * seconds / 3
        pause_s = 0 if third else seconds / 15
        rows += evenly(draws, lengths, scaled, seconds / 3, start_s=start_s, on_off_s=pause_s)
    return rows


def _ablation(pool: int, length: int, rates: tuple[float, float]) -> Suite:
    return Suite(
        name=f"overload-s4-{pool}-{length}",
        summary=f"two floods of {length} tokens each way, for an engine that holds {pool:,} tokens",
        figure="figure 14",
        rates=rates,
        lengths=tokens(length),
        seconds=600,
    )


_POISSON_MIX = Lengths(input_tokens=(16, 511), output_tokens=(16, 511))

SUITES = (
    Suite(
        name="overload",
        summary="two clients that both ask for more than their share, one twice as much",
        figure="figure 3",
        rates=(1.5, 3),
        lengths=tokens(256),
        seconds=360,
    ),
    Suite(
        name="overload-multi",
        summary="eight clients, three of them a little more modest than the others",
        rates=(0.4,) * 3 + (0.6,) * 5,
        lengths=tokens(256),
        seconds=360,
    ),
    Suite(
        name="overload-weighted",
        summary="four clients with weights 1 to 4 that ask for 48, 48, 72, 96 a minute",
        rates=(0.8, 0.8, 1.2, 1.6),
        weights=(1, 2, 3, 4),
        lengths=tokens(256),
        seconds=360,
    ),
    Suite(
        name="overload-wvtc",
        summary="four clients with weights 1 to 4 that ask in proportion to them",
        rates=(0.4, 0.8, 1.2, 1.6),
        weights=(1, 2, 3, 4),
        lengths=tokens(256),
        seconds=360,
    ),
    Suite(
        name="proportional",
        summary="two clients below their share, one far above",
        figure="figure 4",
        rates=(0.25, 0.5, 1.5),
        lengths=tokens(256),
        seconds=600,
    ),
    Suite(
        name="on_off_less",
        summary="a client below its share that is on and off each minute, beside one above",
        figure="figure 5",
        rates=(0.5, 2),
        lengths=tokens(256),
        seconds=600,
        arrive=partial(evenly, on_off_s=60),
    ),
    Suite(
        name="on_off_overload",
        summary="a client above its share that is on and off each minute, beside a flood",
        figure="figure 6",
        rates=(2, 3),
        lengths=tokens(256),
        seconds=600,
        arrive=partial(evenly, on_off_s=60),
    ),
    Suite(
        name="poisson_on_off_overload",
        summary="Poisson arrivals of mixed lengths, one client on and off each minute",
        rates=(0.5, 2),
        lengths=_POISSON_MIX,
        seconds=600,
        arrive=partial(thinned, on_off_s=60),
    ),
    Suite(
        name="poisson_short_long",
        summary="Poisson arrivals: many requests of 64 tokens each way, fewer of 256",
        figure="figure 7",
        rates=(8, 1.5),
        lengths=tokens(256),
        seconds=600,
        arrive=partial(thinned, first_lengths=tokens(64)),
    ),
    Suite(
        name="poisson_short_long_2",
        summary="Poisson arrivals: many that read 512 and write 32 tokens, fewer the other way round",
        figure="figure 8",
        rates=(8, 1.5),
        lengths=tokens(32, 512),
        seconds=600,
        arrive=partial(thinned, first_lengths=tokens(512, 32)),
    ),
    Suite(
        name="increase",
        summary="a steady client beside one whose rate grows tenfold",
        figure="figure 9",
        rates=(0.5, 2),
        lengths=tokens(256),
        seconds=600,
        arrive=partial(rising, first_part=0.1),
    ),
    Suite(
        name="dist_shift",
        summary="on and off, then overload, then proportional: five minutes each",
        figure="figure 10",
        rates=(1, 1),
        lengths=tokens(256),
        seconds=900,
        arrive=shifting,
    ),
    Suite(
        name="real",
        summary="27 clients of a chat arena that come and go; the heaviest sends a fifth",
        figure="figures 11 to 13",
        rates=(1,) * 27,
        lengths=tokens(1),
        seconds=600,
        arrive=arena,
    ),
    _ablation(35000, 128, (6, 12)),
    _ablation(35000, 256, (3, 6)),
    _ablation(35000, 512, (1.5, 3)),
    _ablation(35000, 768, (1, 2)),
    _ablation(65000, 256, (4, 8)),
    _ablation(65000, 512, (2, 4)),
    _ablation(65000, 768, (1.5, 3)),
)
