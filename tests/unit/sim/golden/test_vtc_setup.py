"""A run's name says what it was run on."""

import pytest

from evenhand.sim.golden.vtc_replay import engine_of
from evenhand.sim.golden.vtc_setup import setup_of

SUITE = "/all_results_overload"


@pytest.mark.parametrize(
    ("name", "policy", "prediction", "cost"),
    [
        ("FCFS", "fcfs", "none", "weighted-tokens"),
        ("LCF", "lcf", "none", "weighted-tokens"),
        ("VTC", "vtc", "none", "weighted-tokens"),
        ("WVTC", "vtc", "none", "weighted-tokens"),
        ("MDRR", "drr", "none", "weighted-tokens"),
        ("VTC_oracle", "vtc", "oracle", "weighted-tokens"),
        ("VTC_pred_50", "vtc", "oracle", "weighted-tokens"),
        ("VTC_predict", "vtc", "running-mean", "weighted-tokens"),
        ("VTC_profile", "vtc", "none", "profiled"),
        ("VTC_oracle_profile", "vtc", "oracle", "profiled"),
        ("VTC_predict_profile", "vtc", "running-mean", "profiled"),
        ("VTC_pred_20_profile", "vtc", "oracle", "profiled"),
        ("LShare/rpm5", "rpm", "none", "weighted-tokens"),
    ],
)
def test_the_scheduler_is_a_composition(name: str, policy: str, prediction: str, cost: str) -> None:
    setup = setup_of(name + SUITE)
    found = (setup.policy.name, setup.policy.prediction.name, setup.policy.cost.name)
    assert found == (policy, prediction, cost)
    assert (setup.profile, setup.pool_tokens) == ("a10g-llama-2-7b", 10_000)


def test_limits_weights_and_errors_are_read_off_too() -> None:
    assert setup_of("LShare/rpm15" + SUITE).policy.settings == {"requests_per_minute": 15}
    assert setup_of("MDRR" + SUITE).policy.settings == {"quantum_tokens": 500}
    assert setup_of("WVTC" + SUITE).weights == (1, 2, 3, 4)
    assert setup_of("VTC" + SUITE).weights == ()
    assert setup_of("VTC_pred_50" + SUITE).prediction_off_percent == 50


@pytest.mark.parametrize("suffix", ["", "/overload", SUITE])
def test_a_suite_may_be_named_or_not(suffix: str) -> None:
    assert setup_of("VTC_oracle" + suffix).policy.prediction.name == "oracle"
    assert setup_of("LShare/rpm5" + suffix).policy.name == "rpm"


@pytest.mark.parametrize("suffix", ["", "/all_results_overload-s4"])
def test_section_6_4_ran_on_the_larger_gpu(suffix: str) -> None:
    setup = setup_of(f"sec6.4/65000/VTC-512{suffix}")
    assert (setup.profile, setup.pool_tokens) == ("a100-llama-2-13b", 65_000)
    assert setup.policy.name == "vtc"
    assert engine_of(setup).step_tokens_max == 65_000 // 6
    assert engine_of(setup_of("VTC" + SUITE)).step_tokens_max == 3_072


@pytest.mark.parametrize("name", ["GPS/all_results_real", "VTC_guess/x", "LShare/x", ""])
def test_an_unknown_name_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(ValueError, match="Known are FCFS"):
        setup_of(name)


def test_errors_of_predictions_are_the_same_in_each_run_and_within_their_range() -> None:
    setup = setup_of("VTC_pred_50" + SUITE)
    first, second = setup.predict(), setup.predict()
    told = [first(200) for _ in range(500)]
    assert told == [second(200) for _ in range(500)]
    assert 100 <= min(told) < 120
    assert 280 < max(told) <= 300
    assert setup_of("VTC_oracle" + SUITE).predict()(200) == 200
