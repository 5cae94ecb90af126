"""The VTC suites send what the paper says, and with its artifact's seed what that measured."""

import csv
import gzip
from collections import Counter, defaultdict
from functools import cache

import pytest

from evenhand.workloads.catalog import WORKLOADS
from evenhand.workloads.workload import Workload
from support.shared_data import shared_file

ARTIFACT_SEED = 42

Sent = tuple[float, str, int, int]


def suite(name: str, seed: int = 1, **values: float) -> Workload:
    return WORKLOADS[f"vtc/{name}"].make(seed, values)


def counts(workload: Workload) -> list[int]:
    by_tenant = Counter(ask.tenant for ask in workload.asks)
    return [by_tenant[tenant.name,] for tenant in workload.tenants]


@pytest.mark.parametrize(
    ("name", "requests"),
    [
        ("overload", [6 * 90, 6 * 180]),
        ("overload-multi", [6 * 24] * 3 + [6 * 36] * 5),
        ("overload-weighted", [6 * 48, 6 * 48, 6 * 72, 6 * 96]),
        ("overload-wvtc", [6 * 24, 6 * 48, 6 * 72, 6 * 96]),
        ("proportional", [10 * 15, 10 * 30, 10 * 90]),
        ("on_off_less", [5 * 30, 10 * 120]),
        ("on_off_overload", [5 * 120, 10 * 180]),
        ("increase", [10 * 30, 10 * (12 + 120) // 2]),
        ("overload-s4-35000-128", [10 * 360, 10 * 720]),
        ("overload-s4-35000-256", [10 * 180, 10 * 360]),
        ("overload-s4-35000-512", [10 * 90, 10 * 180]),
        ("overload-s4-35000-768", [10 * 60, 10 * 120]),
        ("overload-s4-65000-256", [10 * 240, 10 * 480]),
        ("overload-s4-65000-512", [10 * 120, 10 * 240]),
        ("overload-s4-65000-768", [10 * 90, 10 * 180]),
    ],
)
def test_even_suites_send_so_many_a_minute_for_so_many_minutes(
    name: str, requests: list[int]
) -> None:
    assert counts(suite(name)) == requests


@pytest.mark.parametrize(
    ("name", "lengths"),
    [
        ("poisson_short_long", [(64, 64), (256, 256)]),
        ("poisson_short_long_2", [(512, 32), (32, 512)]),
    ],
)
def test_short_and_long_come_480_and_90_times_a_minute(
    name: str, lengths: list[tuple[int, int]]
) -> None:
    workload = suite(name)
    short, long = counts(workload)
    assert short + long == 5700
    assert short == pytest.approx(4800, rel=0.03)
    for ask in workload.asks:
        client = int(ask.tenant[0].removeprefix("client-"))
        assert (ask.input_tokens, ask.output_tokens) == lengths[client]


def test_mixed_lengths_lie_between_16_and_512() -> None:
    lengths = [
        length
        for ask in suite("poisson_on_off_overload").asks
        for length in (ask.input_tokens, ask.output_tokens)
    ]
    assert min(lengths) >= 16
    assert max(lengths) < 512
    assert sum(lengths) / len(lengths) == pytest.approx(263.5, rel=0.03)


@pytest.mark.parametrize("name", ["on_off_less", "on_off_overload", "poisson_on_off_overload"])
def test_the_first_client_is_silent_in_odd_minutes(name: str) -> None:
    minutes = [ask.at_ms // 60_000 for ask in suite(name).asks if ask.tenant == ("client-0",)]
    assert {0, 2, 4, 6, 8} <= set(minutes) <= {0, 2, 4, 6, 8, 10}  # 10: the phase of the last


def test_the_shift_has_three_thirds() -> None:
    thirds: dict[int, Counter[str]] = defaultdict(Counter)
    for ask in suite("dist_shift").asks:
        # A client's last request of a third may come a gap and a phase after its end.
        thirds[int((ask.at_ms - 2000) // 300_000)][ask.tenant[0]] += 1
    assert thirds[0]["client-0"] == pytest.approx(90, abs=2)
    assert thirds[0]["client-1"] == pytest.approx(600, abs=4)
    assert thirds[1]["client-0"] == pytest.approx(thirds[1]["client-1"], abs=4)
    assert thirds[2]["client-1"] == pytest.approx(3 * thirds[2]["client-0"], rel=0.03)


def test_weights_are_one_to_four() -> None:
    for name in ("overload-weighted", "overload-wvtc"):
        assert [tenant.weight for tenant in suite(name).tenants] == [1, 2, 3, 4]
    assert {tenant.weight for tenant in suite("overload-multi").tenants} == {1}


def test_dials_stretch_and_speed_up() -> None:
    assert counts(suite("overload", seconds=60)) == [90, 180]
    assert counts(suite("overload", seconds=60, rate=2)) == [180, 360]
    assert counts(suite("increase", seconds=600, rate=0.5)) == [150, 330]
    assert sum(counts(suite("real", seconds=300, rate=2))) == pytest.approx(1500, rel=0.02)


def test_the_arena_resembles_the_trace_of_the_artifact() -> None:
    """Bands from `algorithms.md` 1.6 and `workloads.md` 1.1: 1,500 requests, 136 in and 256 out on
    average, the first of 27 clients has a fifth of the requests and 22 % of the cost."""
    asks = list(suite("real").asks)
    assert len(asks) == 1500
    assert asks[-1].at_ms <= 601_000
    inputs = [ask.input_tokens for ask in asks]
    outputs = [ask.output_tokens for ask in asks]
    assert sum(inputs) / 1500 == pytest.approx(136, rel=0.1)
    assert sum(outputs) / 1500 == pytest.approx(256, rel=0.1)
    assert sorted(inputs)[750] == pytest.approx(40, rel=0.2)
    assert max(inputs) <= 1021
    assert max(outputs) <= 977
    costs: Counter[str] = Counter()
    for ask in asks:
        costs[ask.tenant[0]] += ask.input_tokens + 2 * ask.output_tokens
    assert len(costs) == 27
    assert costs.most_common(1)[0][1] / costs.total() == pytest.approx(0.222, abs=0.03)


@cache
def measured() -> dict[str, list[Sent]]:
    runs: dict[str, list[Sent]] = defaultdict(list)
    with gzip.open(shared_file("vtc_gpu_runs.csv.gz"), "rt") as stream:
        for row in csv.DictReader(stream):
            sent = float(row["t_s"]), f"client-{row['client']}"
            runs[row["run"]].append((*sent, int(row["input_tokens"]), int(row["output_tokens"])))
    return runs


@pytest.mark.parametrize(
    ("run", "name", "values"),
    [
        ("FCFS/all_results_overload", "overload", {"seconds": 600}),
        ("VTC/all_results_overload", "overload", {}),
        ("VTC/all_results_overload-weighted", "overload-weighted", {}),
        ("VTC/all_results_proportional", "proportional", {}),
        ("VTC/all_results_on_off_less", "on_off_less", {}),
        ("VTC/all_results_on_off_overload", "on_off_overload", {}),
        ("VTC/all_results_increase", "increase", {}),
        ("VTC/all_results_poisson_on_off_overload", "poisson_on_off_overload", {}),
        ("VTC/all_results_poisson_short_long", "poisson_short_long", {}),
        ("sec6.4/35000/VTC-256/all_results_overload-s4", "overload-s4-35000-256", {}),
        ("sec6.4/35000/VTC-512/all_results_overload-s4", "overload-s4-35000-512", {}),
    ],
)
def test_the_seed_of_the_artifact_gives_the_arrivals_of_its_measured_run(
    run: str, name: str, values: dict[str, float]
) -> None:
    ours = sorted(
        (round(ask.at_ms / 1000, 5), ask.tenant[0], ask.input_tokens, ask.output_tokens)
        for ask in suite(name, ARTIFACT_SEED, **values).asks
    )
    theirs = sorted(measured()[run])
    assert len(ours) == len(theirs)
    for mine, that in zip(ours, theirs, strict=True):
        assert mine[0] == pytest.approx(that[0], abs=2e-5)
        assert mine[1:] == that[1:]
