"""Fit a profile's host time and kernel times to a log, and say how well it does on the rest of it."""

from collections.abc import Callable, Sequence
from math import exp, inf, log
from typing import NamedTuple

from evenhand.sim.calibration.misfit import misfit
from evenhand.sim.calibration.simplex import Point, least
from evenhand.sim.engine_log.replay import replay
from evenhand.sim.engine_log.timestamps import Timestamps
from evenhand.sim.golden.vllm_comparison import Latency, latency
from evenhand.sim.profile import EngineProfile

REQUESTS_MIN = 20
HOST_SHARE_MAX = 0.9
"""Of the least that a step takes: host time and reading the weights."""
STEPS_MAX = 8.0
"""Times as long as the profile says; and its inverse is the least."""
_HOST_SHARES = (0.0, 0.15, 0.35, 0.6)
_STEPS = (0.3, 0.45, 0.67, 1.0, 1.5, 2.2, 3.3)
_TRIED = 2
_REACHES = ((0.2, 0.1), (-0.1, 0.05), (0.05, -0.05))

Tell = Callable[[], None]
"""Called after each replay."""


class Fit(NamedTuple):
    """`host_ms` of every step; `kernels`: how long all the rest takes, times what the profile says."""

    host_ms: float
    kernels: float

    def of(self, profile: EngineProfile) -> EngineProfile:
        """The profile with these."""
        step = profile.step
        times = {
            name: getattr(step, name) * self.kernels
            for name in ("t0_ms", "t_w_ms", "c_t_ms", "c_kv_ms", "c_r_ms", "c_a_ms")
        }
        fitted = step.model_copy(update={"t_host_ms": self.host_ms, **times})
        return profile.model_copy(update={"step": fitted})


class Calibration(NamedTuple):
    """`fitted_on` requests from the log's beginning, the others were `held_out`; how far latencies of
    both were from the measured ones with the profile as it was and as it is now."""

    profile: EngineProfile
    fit: Fit
    fitted_on: int
    held_out: int
    fitted_before: Latency
    fitted_after: Latency
    held_out_before: Latency
    held_out_after: Latency


def calibrate(
    measured: Sequence[Timestamps],
    profile: EngineProfile,
    *,
    fit_first: int,
    tell: Tell = lambda: None,
) -> Calibration:
    """Every replay sends the whole log, as requests interact; only the times of the first `fit_first`
    are looked at while fitting. ValueError: too few requests, or the profile cannot run the log."""
    if not REQUESTS_MIN <= fit_first <= len(measured):
        raise ValueError(
            f"a fit takes {REQUESTS_MIN} requests at least; it was to be on the first {fit_first} of"
            f" {len(measured)}"
        )
    fitted, rest = slice(0, fit_first), slice(fit_first, None)

    def simulated(of: EngineProfile) -> list[Timestamps]:
        tell()
        return replay(measured, of).log

    fit = _search(profile, lambda of: misfit(measured[fitted], simulated(of)[fitted]))
    was, now = simulated(profile), simulated(fit.of(profile))
    return Calibration(
        profile=fit.of(profile),
        fit=fit,
        fitted_on=fit_first,
        held_out=len(measured) - fit_first,
        fitted_before=latency(measured[fitted], was[fitted]),
        fitted_after=latency(measured[fitted], now[fitted]),
        held_out_before=latency(measured[rest], was[rest]),
        held_out_after=latency(measured[rest], now[rest]),
    )


def _search(profile: EngineProfile, misfit_of: Callable[[EngineProfile], float]) -> Fit:
    """A coarse grid, then simplexes from the best of it. A point is the host's share of the least that
    a step takes, and the logarithm of that time over the profile's: a log tells the latter well, and
    the two do not depend on each other much."""
    fixed_ms = profile.step.t0_ms + profile.step.t_w_ms

    def fit(at: Point) -> Fit:
        share, times = at[0], exp(at[1])
        return Fit(share * times * fixed_ms, (1 - share) * times)

    def value(at: Point) -> float:
        if not (0 <= at[0] <= HOST_SHARE_MAX and abs(at[1]) <= log(STEPS_MAX)):
            return inf
        return misfit_of(fit(at).of(profile))

    grid = [(share, log(times)) for share in _HOST_SHARES for times in _STEPS]
    best = sorted((value(at), at) for at in grid)[:_TRIED]
    first, *others = _REACHES
    found = min(least(value, at, first) for _, at in best)
    for reach in others:
        found = least(value, found[1], reach)
    return fit(found[1])
