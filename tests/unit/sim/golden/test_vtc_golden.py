"""The measured runs of the VTC artifact, replayed: the simulator against GPUs.

One host time for all rows of a GPU. What each constant was fitted on stands in the profiles.
"""

from itertools import combinations

import pytest

from support.golden_vtc import named, run

UNFAIR = ("FCFS", "LCF", "LShare/rpm30", "LShare/rpm15", "LShare/rpm5")
FAIR = ("VTC", "VTC_predict", "VTC_oracle")
APART = 0.1


def test_a10g_runs_take_as_long_as_they_took() -> None:
    runs = named("FCFS/", "VTC/")
    makespan = [abs(run.makespan_error) for run in runs]
    throughput = [abs(run.throughput_error) for run in runs]
    assert len(runs) >= 17
    assert sum(makespan) / len(runs) <= 0.03
    assert max(makespan) <= 0.1
    assert sum(throughput) / len(runs) <= 0.02


def test_a100_runs_take_as_long_as_they_took() -> None:
    makespan = [abs(run.makespan_error) for run in named("sec6.4/")]
    assert makespan
    assert sum(makespan) / len(makespan) <= 0.06


@pytest.mark.parametrize("scheduler", UNFAIR)
def test_unfair_schedulers_are_as_unfair_on_the_real_trace(scheduler: str) -> None:
    both = run(scheduler, "real").service_difference
    assert both.simulated.mean == pytest.approx(both.measured.mean, rel=0.1)
    assert both.simulated.max == pytest.approx(both.measured.max, rel=0.1)


@pytest.mark.parametrize("suite", ["overload", "poisson_short_long"])
def test_first_come_first_served_is_as_unfair_on_made_traffic(suite: str) -> None:
    both = run("FCFS", suite).service_difference
    assert both.simulated.mean == pytest.approx(both.measured.mean, rel=0.1)
    assert both.simulated.max == pytest.approx(both.measured.max, rel=0.1)


@pytest.mark.parametrize(
    ("scheduler", "suite"),
    [
        *((scheduler, "real") for scheduler in FAIR),
        ("VTC", "overload"),
        ("VTC", "poisson_short_long"),
    ],
)
def test_fair_schedulers_are_as_fair(scheduler: str, suite: str) -> None:
    both = run(scheduler, suite).service_difference
    assert both.simulated.mean == pytest.approx(both.measured.mean, rel=0.2)


def test_schedulers_come_in_the_same_order() -> None:
    """Those that were measured more than a tenth apart: the fair ones lie closer than their noise."""
    differences = {name: run(name, "real").service_difference for name in (*UNFAIR, *FAIR)}
    for one, other in combinations(differences.values(), 2):
        a, b = one.measured.mean, other.measured.mean
        if abs(a - b) > APART * max(a, b):
            assert (a > b) == (one.simulated.mean > other.simulated.mean)


def test_a_prediction_even_a_bad_one_makes_overload_far_fairer() -> None:
    """104 : 12.5 : 0.5 measured; each within half an order of magnitude."""
    for scheduler in ("VTC", "VTC_pred_50", "VTC_oracle"):
        both = run(scheduler, "overload").service_difference
        assert both.measured.mean / 3.2 < both.simulated.mean < both.measured.mean * 3.2


@pytest.mark.parametrize("limit", [5, 15, 30])
def test_a_limit_of_requests_refuses_as_many(limit: int) -> None:
    found = run(f"LShare/rpm{limit}", "real")
    assert found.refused_simulated == pytest.approx(found.refused_measured, abs=3)


@pytest.mark.parametrize(
    ("scheduler", "suite", "within"),
    [
        ("FCFS", "overload", 0.05),
        ("VTC", "overload", 0.05),
        ("VTC_oracle", "overload", 0.05),
        ("VTC_profile", "overload", 0.05),
        ("FCFS", "on_off_overload", 0.05),
        ("VTC", "on_off_overload", 0.05),
        ("FCFS", "proportional", 0.1),
        ("VTC", "proportional", 0.1),
        ("FCFS", "poisson_short_long", 0.1),
        ("VTC", "poisson_short_long", 0.15),
        ("VTC", "overload-weighted", 0.1),
    ],
)
def test_each_client_waits_as_long(scheduler: str, suite: str, within: float) -> None:
    for client in run(scheduler, suite).clients.values():
        measured_s, simulated_s = client.ttft_mean_measured_s, client.ttft_mean_simulated_s
        assert simulated_s == pytest.approx(measured_s, rel=within)


@pytest.mark.parametrize(
    "name",
    [
        "sec6.4/35000/VTC-256/all_results_overload-s4",
        "sec6.4/35000/VTC-512/all_results_overload-s4",
    ],
)
def test_each_client_waits_as_long_on_the_a100(name: str) -> None:
    (found,) = named(name)
    for client in found.clients.values():
        assert client.ttft_mean_simulated_s == pytest.approx(client.ttft_mean_measured_s, rel=0.05)
