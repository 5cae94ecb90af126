"""When the demo passes, and what it says."""

import pytest

from evenhand.cli.demo.figures import RunFigures, TenantFigures
from evenhand.cli.demo.quantile import Quantile
from evenhand.cli.demo.table import sentence
from evenhand.cli.demo.verdict import judge, of_control


def run(
    p50_s: float | None,
    tokens_per_s: float,
    *,
    failed: int = 0,
    refused: int = 0,
    shares: tuple[float, float] = (0.3, 0.3),
) -> RunFigures:
    chat = TenantFigures(
        sent=200,
        completed=200 - failed - refused,
        failed=failed,
        refused=refused,
        cut=0,
        censored=0,
        troubles={},
        ttft_p50=None if p50_s is None else Quantile(value=p50_s, low=p50_s, high=p50_s),
        ttft_p99=None,
        input_tokens=0,
        output_tokens=0,
        service=0,
        share_promised=shares[0],
        share_received=shares[1],
        gap_max_s=0,
    )
    return RunFigures(
        seconds=45,
        tenants={"chat": chat},
        jain=1,
        tokens_per_s=tokens_per_s,
        service_per_s=0,
        all_active_s=45,
    )


@pytest.mark.parametrize(
    ("fair", "control", "is_pass", "why"),
    [
        (run(0.1, 3000), run(4.0, 3000), True, "1/40 of it"),
        (run(0.5, 2700), run(4.0, 3000), True, "instead of 4.0 s"),
        (run(0.51, 3000), run(4.0, 3000), False, "an eighth of the wait"),
        (run(0.1, 2690), run(4.0, 3000), False, "missed: 90 % of the throughput"),
        (run(4.4, 3000), run(4.0, 3000), False, "1.1 times as long"),
        (run(0.1, 3000, failed=3), run(4.0, 3000), False, "failures (2 % failed)"),
        (run(0.1, 3000, refused=90), run(4.0, 3000), True, "1/40 of it"),
        (run(0.1, 3000), run(4.0, 3000, failed=2), True, "100 % of the throughput"),
        (run(None, 3000), run(4.0, 3000), False, "Nothing to compare"),
        (run(0.1, 3000), run(None, 0), False, "Nothing to compare"),
    ],
)
def test_the_verdict_needs_an_eighth_of_the_wait_and_nine_tenths_of_the_throughput(
    fair: RunFigures, control: RunFigures, *, is_pass: bool, why: str
) -> None:
    verdict = judge(fair, control, victim="chat", policy="vtc")
    assert verdict.is_pass is is_pass
    assert why in verdict.reason


def test_the_ratios_are_fair_over_control() -> None:
    verdict = judge(run(0.1, 2970), run(4.0, 3000), victim="chat", policy="vtc")
    assert verdict.ttft_ratio == pytest.approx(0.025)
    assert verdict.throughput_ratio == pytest.approx(0.99)
    assert verdict.reason == (
        "With vtc the chat waits 100 ms for its first token instead of 4.0 s (median, 1/40 of it),"
        " at 99 % of the throughput."
    )


def test_a_fail_on_an_engine_of_the_users_names_the_window_and_its_option() -> None:
    bad = judge(run(3.0, 3000), run(4.0, 3000), victim="chat", policy="vtc", url_window=4)
    assert "The window was 4 requests at a time: give --window N" in bad.reason
    good = judge(run(0.1, 3000), run(4.0, 3000), victim="chat", policy="vtc", url_window=4)
    embedded = judge(run(3.0, 3000), run(4.0, 3000), victim="chat", policy="vtc")
    assert "window" not in good.reason + embedded.reason


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (
            run(0.1, 3000),
            "states no bound: it did well here, and another load may show it otherwise",
        ),
        (run(3.0, 3000), "states no bound, and it lacks: an eighth of the wait."),
        (run(0.1, 900), "it lacks: 90 % of the throughput."),
        (
            run(0.1, 3000, shares=(0.3, 0.1)),
            "it lacks: the share of chat (got 10 % of the work, was due 30 %).",
        ),
    ],
)
def test_a_policy_without_a_bound_shows_what_it_lacks_and_breaks_no_promise(
    figures: RunFigures, words: str
) -> None:
    verdict = judge(figures, run(4.0, 3000), victim="chat", policy="las", is_promised=False)
    assert words in verdict.reason
    assert verdict.is_kept
    assert "NOTE las" not in verdict.reason
    assert sentence(verdict).plain.startswith("NOTE With las")


def test_a_policy_without_a_bound_is_still_to_answer_every_request() -> None:
    broken = run(0.1, 3000, failed=20)
    verdict = judge(broken, run(4.0, 3000), victim="chat", policy="las", is_promised=False)
    assert not verdict.is_kept


def test_a_bound_that_is_missed_is_no_promise_kept() -> None:
    assert not judge(run(3.0, 3000), run(4.0, 3000), victim="chat", policy="vtc").is_kept
    assert judge(run(0.1, 3000), run(4.0, 3000), victim="chat", policy="vtc").is_kept


def test_the_control_runs_alone_and_says_so() -> None:
    verdict = of_control(run(0.02, 3000), run(4.0, 3000), victim="chat")
    assert verdict.is_kept
    assert (
        "fcfs is the control that all others are compared with, so it ran alone" in verdict.reason
    )
    assert "the chat waits 4.0 s with neighbours and 20 ms alone" in verdict.reason
    assert not of_control(run(None, 0), run(None, 0, failed=99), victim="chat").is_kept
