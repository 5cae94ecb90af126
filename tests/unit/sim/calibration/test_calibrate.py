"""A log that the simulator wrote gives back the figures it was written with."""

import pytest

from evenhand.sim.calibration.calibrate import Fit, calibrate
from evenhand.sim.calibration.simplex import least
from evenhand.sim.calibration.written import as_profile
from evenhand.sim.engine_log.replay import replay
from evenhand.sim.profile import load_profile
from support.engine_logs import made_log


@pytest.mark.parametrize(
    ("name", "requests", "gap_ms", "fit"),
    [
        ("h100-llama-3.1-8b", 160, 100, Fit(5.0, 1.3)),
        ("h100-llama-3.1-8b", 160, 100, Fit(0.5, 0.8)),
        ("a10g-llama-3.1-8b", 160, 400, Fit(12.0, 0.7)),
        ("h100-llama-3.1-70b-tp4", 160, 100, Fit(5.0, 2.0)),
    ],
)
def test_known_figures_are_recovered(name: str, requests: int, gap_ms: float, fit: Fit) -> None:
    """A step is the sum of both: an error of the one hides in the other, their sum is told best."""
    profile = load_profile(name)
    log = made_log(fit.of(profile), requests=requests, gap_ms=gap_ms)
    found = calibrate(log, profile, fit_first=requests // 2)
    step = (8, 8, 8 * 1000, 0.0)
    ours, true = found.profile.step.step_ms(*step), fit.of(profile).step.step_ms(*step)
    assert ours == pytest.approx(true, rel=0.03)
    assert found.fit.kernels == pytest.approx(fit.kernels, rel=0.05)
    assert found.fit.host_ms == pytest.approx(fit.host_ms, abs=0.1 * true)
    assert found.held_out_after.end_to_end.median < 0.02 < found.held_out_before.end_to_end.median


def test_only_the_first_part_is_fitted_on() -> None:
    """Whatever became of the rest, the fit is the same."""
    profile = load_profile("h100-llama-3.1-8b")
    log = made_log(Fit(4.0, 1.2).of(profile), requests=60, gap_ms=100)
    spoilt = [
        each._replace(ended_ms=each.ended_ms * 3, first_token_ms=each.first_token_ms * 2)
        if index >= 30
        else each
        for index, each in enumerate(log)
    ]
    found, other = (calibrate(each, profile, fit_first=30) for each in (log, spoilt))
    assert found.fit == other.fit
    assert other.held_out_after.end_to_end.median > 0.2


def test_the_search_is_bounded() -> None:
    profile = load_profile("h100-llama-3.1-8b")
    log = made_log(profile, requests=40, gap_ms=200)
    replays: list[None] = []
    calibrate(log, profile, fit_first=20, tell=lambda: replays.append(None))
    assert len(replays) < 400


def test_too_few_requests_are_refused() -> None:
    profile = load_profile("h100-llama-3.1-8b")
    log = made_log(profile, requests=30, gap_ms=200)
    with pytest.raises(ValueError, match="first 10 of 30"):
        calibrate(log, profile, fit_first=10)
    with pytest.raises(ValueError, match="first 31 of 30"):
        calibrate(log, profile, fit_first=31)


def test_what_is_written_says_on_what_it_rests() -> None:
    profile = load_profile("h100-llama-3.1-8b")
    log = made_log(Fit(4.0, 1.2).of(profile), requests=60, gap_ms=100)
    found = calibrate(log, profile, fit_first=40)
    written = as_profile(found, "mine.jsonl")
    assert "first 40 of 60 requests of mine.jsonl" in written.evidence
    assert "measured-kernel tables" in written.evidence
    assert "20 other requests" in written.fit_error
    assert written.kv_tokens == profile.kv_tokens
    ours = replay(log, written).log
    assert ours[-1].ended_ms == pytest.approx(replay(log, found.profile).log[-1].ended_ms, rel=0.01)


def test_a_simplex_walks_down_a_bent_valley() -> None:
    """Rosenbrock's."""

    def valley(at: tuple[float, ...]) -> float:
        x, y = at
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2

    lowest, at = least(valley, (-1.0, 1.0), (0.3, 0.3))
    assert lowest < 1e-4
    assert at == pytest.approx((1.0, 1.0), abs=0.02)
