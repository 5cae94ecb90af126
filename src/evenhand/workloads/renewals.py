"""Clients that ask in bursts of their own: Gamma and Weibull renewal processes, drawn as time goes on.

Each begins in equilibrium (its first gap is the rest of one under way), so that not all burst at the
start. Seconds throughout.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evenhand.workloads.draws import Floats

Owners = NDArray[np.intp]
"""Numbers of clients."""

_BATCH_LEAST, _BATCH_MOST = 8, 4096


class Gaps(NamedTuple):
    """Between arrivals of one client. `shape` and `scale_s` are the distribution's own parameters."""

    is_weibull: bool
    shape: float
    scale_s: float

    @property
    def mean_s(self) -> float:
        """Of one gap."""
        return self.scale_s * (math.gamma(1 + 1 / self.shape) if self.is_weibull else self.shape)

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """So many gaps."""
        if self.is_weibull:
            return self.scale_s * rng.weibull(self.shape, count)
        return self.scale_s * rng.standard_gamma(self.shape, count)

    def draw_first(self, rng: np.random.Generator) -> float:
        """From any moment to the next arrival: a part of a gap, which is long as often as it is wide."""
        if self.is_weibull:
            whole = math.pow(rng.standard_gamma(1 + 1 / self.shape), 1 / self.shape)
        else:
            whole = float(rng.standard_gamma(self.shape + 1))
        return self.scale_s * whole * float(rng.random())


def gamma_gaps(*, per_second: float, cv: float) -> Gaps:
    """`cv`: deviation over mean; 1 is a Poisson process."""
    shape = 1 / (cv * cv)
    return Gaps(is_weibull=False, shape=shape, scale_s=1 / (per_second * shape))


def weibull_gaps(*, per_second: float, cv: float) -> Gaps:
    """The same with a thinner tail: gaps of a Weibull distribution."""
    shape = float(np.interp(-math.log(cv), _WEIBULL_LOG_CV, _WEIBULL_SHAPES))
    return Gaps(is_weibull=True, shape=shape, scale_s=1 / (per_second * math.gamma(1 + 1 / shape)))


class Renewals:
    """All clients' arrivals, a stretch of time after the other. Keeps one batch for each client."""

    def __init__(self, clients: list[Gaps], rng: np.random.Generator) -> None:
        self._clients = clients
        self._rng = rng
        self._mean_s = np.array([client.mean_s for client in clients])
        self._ahead = [np.array([client.draw_first(rng)]) for client in clients]
        self._next_s = np.array([ahead[0] for ahead in self._ahead])
        self._until_s = 0.0

    def until(self, end_s: float) -> tuple[Floats, Owners]:
        """Moments of arrivals from the last end up to this one, in order, and whose each is."""
        moments: list[Floats] = [np.empty(0)]
        owners: list[int] = []
        counts: list[int] = []
        due = np.flatnonzero(self._next_s < end_s)
        expected = (end_s - self._until_s) / self._mean_s
        for client in due.tolist():
            ahead = self._ahead[client]
            batch = int(min(max(1.5 * expected[client], _BATCH_LEAST), _BATCH_MOST))
            while ahead[-1] < end_s:
                more = self._clients[client].draw(self._rng, batch)
                ahead = np.concatenate((ahead, ahead[-1] + np.cumsum(more)))
            cut = int(ahead.searchsorted(end_s))
            moments.append(ahead[:cut])
            owners.append(client)
            counts.append(cut)
            self._ahead[client] = ahead[cut:].copy()
            self._next_s[client] = ahead[cut]
        self._until_s = end_s
        together = np.concatenate(moments)
        order = together.argsort(kind="stable")
        return together[order], np.repeat(np.array(owners, dtype=np.intp), counts)[order]


def _weibull_cv(shape: float) -> float:
    mean = math.lgamma(1 + 1 / shape)
    return math.sqrt(math.expm1(math.lgamma(1 + 2 / shape) - 2 * mean))


_WEIBULL_SHAPES = np.geomspace(0.12, 12, 400)
_WEIBULL_LOG_CV = np.array([-math.log(_weibull_cv(float(shape))) for shape in _WEIBULL_SHAPES])
