"""How well simulated times agree with measured ones."""

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class OrderAgreement(NamedTuple):
    """`rank_correlation` is Spearman's; `inversions` is the share of pairs that came the other way
    round, among the pairs of the sample. Who came at the same moment is in no order."""

    rank_correlation: float
    inversions: float


class Errors(NamedTuple):
    """Of simulated over measured - 1: the median and the ninth decile of its size, and its median with
    the sign."""

    median: float
    p90: float
    bias: float


def order_agreement(measured: Sequence[float], simulated: Sequence[float]) -> OrderAgreement:
    """The entries of both belong to the same requests."""
    count = len(measured)
    if count < 2:
        return OrderAgreement(1.0, 0.0)
    ours, theirs = _ranks(simulated), _ranks(measured)
    spread = float(ours.std() * theirs.std())
    covariance = float(((ours - ours.mean()) * (theirs - theirs.mean())).mean())
    seen: list[float] = []
    inversions = 0
    for _, at_ms in sorted(zip(measured, simulated, strict=True)):
        inversions += len(seen) - bisect_right(seen, at_ms)
        insort(seen, at_ms)
    pairs = count * (count - 1) / 2
    return OrderAgreement(covariance / spread if spread else 1.0, inversions / pairs)


def errors(measured: Sequence[float], simulated: Sequence[float]) -> Errors:
    """Of durations; those measured as zero are left out."""
    ratios = np.array(
        [s / m - 1 for m, s in zip(measured, simulated, strict=True) if m > 0], dtype=float
    )
    if not len(ratios):
        return Errors(0.0, 0.0, 0.0)
    median, p90 = np.quantile(abs(ratios), (0.5, 0.9))
    return Errors(float(median), float(p90), float(np.median(ratios)))


def _ranks(values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Equal values share the mean of their places."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    means: npt.NDArray[np.float64] = np.cumsum(counts) - (counts - 1) / 2
    return means[place]
