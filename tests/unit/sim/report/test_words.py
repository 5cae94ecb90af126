"""Who gains and who loses, and what is said of it."""

import pytest

from evenhand.sim.measures.figures import TenantFigures
from evenhand.sim.report.change import Direction, changes
from evenhand.sim.report.forms import count, duration, percent
from evenhand.sim.report.words import behind, comparison
from support.made_figures import run, tenant


def direction(before: TenantFigures, after: TenantFigures) -> Direction:
    (change,) = changes({"a": before}, {"a": after})
    return change.direction


@pytest.mark.parametrize(
    ("before_s", "after_s", "expected"),
    [
        (10.0, 1.0, Direction.GAINS),
        (1.0, 10.0, Direction.LOSES),
        (1.0, 1.2, Direction.SAME),
        (0.010, 0.030, Direction.SAME),  # nobody notices 20 ms
        (0.010, 0.090, Direction.LOSES),
        (None, 1.0, Direction.SAME),
    ],
)
def test_a_tenant_gains_if_it_waits_clearly_less(
    before_s: float | None, after_s: float, expected: Direction
) -> None:
    assert direction(tenant(ttft_mean_s=before_s), tenant(ttft_mean_s=after_s)) is expected


def test_answers_count_more_than_waits() -> None:
    before, after = tenant(ttft_mean_s=10.0), tenant(ttft_mean_s=0.1, completed=9, refused=1)
    assert direction(before, after) is Direction.LOSES
    assert direction(after, before) is Direction.GAINS


def test_tenants_that_ask_for_nothing_are_left_out() -> None:
    nobody = tenant(requests=0, completed=0, ttft_mean_s=None)
    assert not list(changes({"a": nobody, "b": tenant()}, {"a": nobody, "c": tenant()}))


def test_the_sentences() -> None:
    runs = {
        "fcfs": run(
            {
                "chat": tenant(ttft_mean_s=97.2),
                "batch": tenant(ttft_mean_s=96.0),
                "other": tenant(ttft_mean_s=1.0),
            },
            tokens_per_s=1000.0,
            jain_all_active=0.5,
            refused=0,
        ),
        "vtc": run(
            {
                "chat": tenant(ttft_mean_s=4.8),
                "batch": tenant(ttft_mean_s=124.4),
                "other": tenant(ttft_mean_s=1.0),
            },
            tokens_per_s=990.0,
            jain_all_active=0.987,
            refused=2,
        ),
    }
    assert list(comparison("fcfs", "vtc", runs)) == [
        (
            "vtc instead of fcfs: 99 % of the throughput, fairness (Jain) 0.987 instead of 0.500,"
            " 2 refused instead of 0."
        ),
        "1 of 3 tenants gains: chat (first token after 4.8 s instead of 97 s).",
        "1 of 3 tenants loses: batch (first token after 124 s instead of 96 s).",
        "For 1 it makes little difference.",
    ]


def test_of_many_the_largest_are_named() -> None:
    before = {f"t{i}": tenant(ttft_mean_s=float(i + 2)) for i in range(9)}
    after = {name: tenant(ttft_mean_s=0.5) for name in before}
    told = " ".join(comparison("a", "b", {"a": run(before), "b": run(after)}))
    assert (
        "All 9 tenants gain, most of all t8 (first token after 500 ms instead of 10 s); t7" in told
    )
    assert "t5" not in told
    assert "Nobody loses." in told


def test_who_is_behind_a_fair_server() -> None:
    late = {
        "a": tenant(behind_s=40.0),
        "b": tenant(behind_s=0.2),
        "c": tenant(behind_s=None),
        "d": tenant(behind_s=2.0),
    }
    assert list(behind(run(late))) == [
        "the work of 2 of 4 tenants came later than with a fair server: a by 40 s; d by 2.0 s."
    ]
    assert "no tenant" in next(behind(run({"b": late["b"]})))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0 ms"),
        (0.0084, "8 ms"),
        (0.9996, "1.0 s"),
        (9.96, "10 s"),
        (179, "179 s"),
        (750, "12.5 min"),
        (7200, "2.0 h"),
        (200_000, "2.3 days"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_counts_and_parts() -> None:
    assert [count(n) for n in (None, 12, 9_554, 145_400, 1_300_000, 2.5e9)] == [
        *("-", "12", "9,554", "145k", "1.30M", "2.50G")
    ]
    assert [percent(p) for p in (None, 0, 0.004, 0.33, 1)] == ["-", "0 %", "0.4 %", "33 %", "100 %"]
