"""Seeded draws: a stream of its own for everything that is drawn, gaps between arrivals, lengths."""

import math
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A generator that depends on the seed and the names alone: what is drawn for one client does not
    change with how many others there are."""
    words = [name if isinstance(name, int) else crc32(name.encode()) for name in names]
    return np.random.default_rng([seed, *words])


def gaps(rng: np.random.Generator, *, per_second: float, cv: float, count: int) -> Floats:
    """Seconds between arrivals of a Gamma process: `cv` is their deviation over their mean, 1 of a
    Poisson process, more comes in bursts."""
    shape = 1 / (cv * cv)
    return rng.gamma(shape, 1 / (per_second * shape), count)


def moments_ms(rng: np.random.Generator, *, per_second: float, cv: float, count: int) -> Floats:
    """Arrivals of a Gamma process in milliseconds since the start."""
    return 1000 * np.cumsum(gaps(rng, per_second=per_second, cv=cv, count=count))


def lognormal_tokens(
    rng: np.random.Generator, *, mean: float, sigma: float, most: int, count: int
) -> NDArray[np.int64]:
    """Lengths with that mean before they are cut to 1 and `most`; `sigma` is of their logarithm."""
    drawn = rng.lognormal(math.log(mean) - sigma * sigma / 2, sigma, count)
    return np.clip(np.ceil(drawn), 1, most).astype(np.int64)
