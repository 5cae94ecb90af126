"""The profile that a calibration leaves, with its evidence in words."""

from evenhand.sim.calibration.calibrate import Calibration
from evenhand.sim.golden.vllm_comparison import Latency
from evenhand.sim.profile import EngineProfile

_DIGITS = 4


def as_profile(found: Calibration, log_name: str) -> EngineProfile:
    """Its figures are rounded to four digits; it says on what it rests."""
    profile, fit = found.profile, found.fit
    step = profile.step
    rounded = {
        name: float(f"{value:.{_DIGITS}g}")
        for name, value in step.model_dump(exclude_none=True).items()
    }
    total = found.fitted_on + found.held_out
    return profile.model_copy(
        update={
            "name": f"{profile.name}-calibrated",
            "step": step.model_copy(update=rounded),
            "evidence": (
                f"Host time and kernel times (x{fit.kernels:.3g}) were fitted on the first"
                f" {found.fitted_on} of {total} requests of {log_name}. Before, as {profile.name}:"
                f" {profile.evidence}"
            ),
            "fit_error": _words(found),
        }
    )


def _words(found: Calibration) -> str:
    if not found.held_out:
        return f"median on the requests that it was fitted on: {_medians(found.fitted_after)}"
    return f"median on {found.held_out} other requests: {_medians(found.held_out_after)}"


def _medians(latency: Latency) -> str:
    return (
        f"TTFT {latency.ttft.median:.1%}, end to end {latency.end_to_end.median:.1%},"
        f" time per token {latency.time_per_token.median:.1%}"
    )
