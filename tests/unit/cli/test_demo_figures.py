"""The demo's figures against cases worked out by hand."""

from array import array

import pytest

from evenhand.cli.demo.entitlement import Window, max_min, windows
from evenhand.cli.demo.figures import figures
from evenhand.cli.demo.quantile import quantile
from evenhand.cli.demo.record import End, Record
from evenhand.cli.demo.service import gap_max_s
from evenhand.model import Usage


def done(
    tenant: str,
    sent_at: float,
    *token_at: float,
    usage: Usage | None = None,
    ended_at: float | None = None,
) -> Record:
    return Record(
        tenant=tenant,
        prompt_characters=40,
        output_tokens_max=8,
        sent_at=sent_at,
        token_at=array("d", token_at),
        ended_at=token_at[-1] if ended_at is None else ended_at,
        end=End.DONE,
        usage=usage or Usage(10, len(token_at)),
    )


def cut(tenant: str, sent_at: float, *token_at: float) -> Record:
    return Record(
        tenant=tenant,
        prompt_characters=40,
        output_tokens_max=8,
        sent_at=sent_at,
        token_at=array("d", token_at),
    )


def failed(tenant: str, sent_at: float, ended_at: float) -> Record:
    record = cut(tenant, sent_at)
    record.end, record.ended_at, record.trouble = End.FAILED, ended_at, "503: no engine"
    return record


# Quantiles


def test_a_quantile_is_the_nearest_rank() -> None:
    median = quantile(0.5, [5, 1, 4, 2, 3])
    assert median is not None
    assert median.value == 3
    assert quantile(0.5, []) is None


def test_the_interval_of_a_median_is_the_binomial_one() -> None:
    """For n = 10 tables give ranks 2 and 9 (confidence 97.9 %)."""
    median = quantile(0.5, range(1, 11))
    assert median is not None
    assert (median.value, median.low, median.high) == (5, 2, 9)


def test_too_few_samples_leave_an_interval_open() -> None:
    high = quantile(0.99, range(1, 101))
    assert high is not None
    assert (high.value, high.high) == (99, None)
    one = quantile(0.5, [7.0])
    assert one is not None
    assert (one.value, one.low, one.high) == (7.0, None, None)


def test_a_lower_bound_counts_as_itself_below_and_as_endless_above() -> None:
    plain = quantile(0.5, range(1, 11))
    censored = quantile(0.5, range(1, 8), [8, 9, 10])
    assert plain is not None
    assert censored is not None
    assert (censored.value, censored.low, censored.high) == (5, 2, None)
    assert plain.high == 9


# Entitlement and Jain


def test_max_min_gives_what_one_leaves_to_the_others() -> None:
    weights = {"a": 1, "b": 1, "c": 1}
    assert max_min(90, {"a": 10, "b": 100, "c": 100}, weights) == {"a": 10, "b": 40, "c": 40}


def test_max_min_divides_by_weight_and_leaves_out_who_asks_nothing() -> None:
    claims = {"a": 100.0, "b": 100.0, "c": 0.0}
    assert max_min(90, claims, {"a": 2, "b": 1, "c": 7}) == {"a": 60, "b": 30}


def test_max_min_never_gives_more_than_was_claimed() -> None:
    assert max_min(90, {"a": 10, "b": 20}, {"a": 1, "b": 1}) == {"a": 10, "b": 20}


def test_jain_is_one_where_all_get_their_due_and_one_nth_where_one_gets_all() -> None:
    due = {"a": 30.0, "b": 30.0, "c": 30.0}
    assert Window(received=due, entitled=due).jain == pytest.approx(1)
    all_to_one = {"a": 90.0, "b": 0.0, "c": 0.0}
    assert Window(received=all_to_one, entitled=due).jain == pytest.approx(1 / 3)
    assert Window(received=dict.fromkeys("abc", 0.0), entitled={}).jain is None


def test_a_tenant_that_asks_little_and_gets_it_costs_no_fairness() -> None:
    window = Window(received={"a": 5.0, "b": 85.0}, entitled={"a": 5.0, "b": 85.0})
    assert window.jain == pytest.approx(1)


def test_a_tenant_that_waits_and_gets_nothing_is_entitled_all_the_same() -> None:
    """b: 1 prompt of 10 tokens and 5 tokens, 200 units. a waits all the time for 100 + 160."""
    (window,) = windows(
        {"a": [cut("a", 0.0)], "b": [done("b", 0.0, 0.1, 0.2, 0.3, 0.4, 0.5)]},
        {"a": 1, "b": 1},
        density=0.25,
        seconds=1,
    )
    assert window.received == {"a": 0, "b": 200}
    assert window.entitled == {"a": 100, "b": 100}
    assert window.jain == pytest.approx(0.5)


def test_a_request_is_claimed_once_however_long_it_waits() -> None:
    """a asks for 260 units once; b receives 200 in every second."""
    b = [done("b", n + 0.0, *(n + tenth / 10 for tenth in range(1, 6))) for n in range(4)]
    four = windows({"a": [cut("a", 0.0)], "b": b}, {"a": 1, "b": 1}, density=0.25, seconds=4)
    assert [w.entitled.get("a", 0) for w in four] == [100, 100, 60, 0]
    assert [w.entitled["b"] for w in four] == [100, 100, 140, 200]


def test_entitlements_follow_the_weights() -> None:
    """Both ask for 260 units, 200 are served: 150 and 50."""
    (window,) = windows(
        {"a": [cut("a", 0.0)], "b": [cut("b", 0.0, 0.1, 0.2, 0.3, 0.4, 0.5)]},
        {"a": 3, "b": 1},
        density=0.25,
        seconds=1,
    )
    assert window.entitled == {"a": 150, "b": 50}


def test_who_is_served_later_than_it_was_due_counts_when_it_was_due() -> None:
    """a, 120 units, is due all of it in the first second and gets it in the second one."""
    b = [done("b", 0.0, *[0.1] * 10), done("b", 0.0, *[1.1] * 10)]  # 300 each
    (first, second) = windows(
        {"a": [done("a", 0.0, 1.5)], "b": b}, {"a": 1, "b": 1}, density=0.25, seconds=2
    )
    assert first.entitled == {"a": 120, "b": 180}
    assert first.jain == pytest.approx(0.5)
    assert second.received == {"a": 120, "b": 300}
    assert second.entitled == {"b": 420}
    assert second.jain == 1


def test_a_window_in_which_nobody_entitled_received_anything_says_nothing() -> None:
    assert Window(received={"a": 9.0, "b": 0.0}, entitled={"b": 9.0}).jain is None


def test_a_failed_request_asks_for_no_more_than_it_used() -> None:
    b = done("b", 0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    (window,) = windows(
        {"a": [failed("a", 0.0, 0.9)], "b": [b]}, {"a": 1, "b": 1}, density=0.25, seconds=1
    )
    assert window.entitled == {"b": 200}


def test_a_modest_tenant_behind_a_flood_is_never_due_more_than_it_asked() -> None:
    """First come first served: a asks for 120 each second and is served four seconds late."""
    a = [done("a", float(n), n + 4.5) for n in range(8)] + [
        cut("a", float(n)) for n in range(8, 12)
    ]
    b = [done("b", 0.0, *[n + 0.5] * 45) for n in range(12)]  # 1000 each
    run = windows({"a": a, "b": b}, {"a": 1, "b": 1}, density=0.25, seconds=12)
    due = asked = 0.0
    for number, window in enumerate(run):
        asked += 120 if number < 8 else 260
        due += window.entitled["a"]
        assert due <= asked + 1e-6
        assert sum(window.entitled.values()) == pytest.approx(window.units)
    assert due == pytest.approx(asked)


def test_the_share_that_was_due_is_no_more_than_was_asked_while_it_waits() -> None:
    """All have requests open all the time, though the fluid backlog of a is soon empty."""
    records = [
        done("a", 0.0, 3.5),
        *(done("b", float(n), *[n + 0.5] * 45) for n in range(4)),  # 1000 each
    ]
    run = figures(records, tenants={"a": 1, "b": 1}, seconds=4)
    assert run.all_active_s == 4
    assert run.tenants["a"].share_promised == pytest.approx(120 / 4120)
    assert run.tenants["a"].share_received == pytest.approx(120 / 4120)
    assert run.jain == pytest.approx((0.5 + 1 + 1 + 1) / 4)


# Gaps


def test_the_gap_is_counted_only_while_requests_are_open() -> None:
    records = [done("a", 1.0, 1.5, 2.0), done("a", 9.0, 9.2)]
    assert gap_max_s(records, seconds=10) == pytest.approx(0.5)


def test_a_short_request_inside_a_long_one_does_not_end_the_waiting() -> None:
    records = [cut("a", 0.0), done("a", 1.0, 2.0)]
    assert gap_max_s(records, seconds=10) == pytest.approx(8.0)


def test_a_token_of_any_request_ends_the_gap_of_its_tenant() -> None:
    records = [cut("a", 0.0), done("a", 0.0, 4.0), done("a", 3.0, 7.0)]
    assert gap_max_s(records, seconds=10) == pytest.approx(4.0)


def test_a_tenant_that_never_gets_a_token_has_a_gap_of_its_whole_wait() -> None:
    assert gap_max_s([cut("a", 2.0)], seconds=10) == pytest.approx(8.0)
    assert gap_max_s([], seconds=10) == 0
    assert gap_max_s([failed("a", 1.0, 1.5)], seconds=10) == pytest.approx(0.5)


# A whole run


def test_a_run_is_measured_as_by_hand() -> None:
    records = [
        done("a", 0.0, 0.2, 0.4, usage=Usage(10, 2, 4)),
        done("b", 0.0, 0.1, 0.3, 0.5, 0.7, usage=Usage(10, 8)),
        cut("b", 0.5, 0.9),
    ]
    run = figures(records, tenants={"a": 1, "b": 1}, seconds=1)
    a, b = run.tenants["a"], run.tenants["b"]
    assert (a.completed, a.cut, a.censored, b.completed, b.cut, b.censored) == (1, 0, 0, 1, 1, 0)
    assert a.service == 6 * 10 + 4 + 2 * 20
    assert b.service == (100 + 160) + (100 + 20)  # a prompt of 40 characters is 10 tokens here
    assert a.ttft_p50 is not None
    assert a.ttft_p50.value == pytest.approx(0.2)
    assert run.tokens_per_s == pytest.approx((6 + 2) + (10 + 8) + (10 + 1))
    assert run.service_per_s == pytest.approx(104 + 380)
    # a asked for less than half of it.
    assert (a.share_promised, a.share_received) == pytest.approx((104 / 484, 104 / 484))
    assert run.jain == pytest.approx(1)


def test_requests_without_a_token_at_the_end_count_with_their_waiting_so_far() -> None:
    records = [done("a", 0.0, 0.1), cut("a", 1.0), cut("a", 2.0)]
    row = figures(records, tenants={"a": 1}, seconds=10).tenants["a"]
    assert row.censored == 2
    assert row.ttft_p50 is not None
    assert (row.ttft_p50.value, row.ttft_p50.high) == (8.0, None)


def test_failures_are_counted_with_their_reasons_and_flatter_no_quantile() -> None:
    records = [done("a", 0.0, 2.0), failed("a", 1.0, 1.1), failed("a", 1.0, 1.2)]
    row = figures(records, tenants={"a": 1}, seconds=10).tenants["a"]
    assert (row.sent, row.completed, row.failed) == (3, 1, 2)
    assert row.troubles == {"503: no engine": 2}
    assert row.ttft_p50 is not None
    assert row.ttft_p50.value == 2.0


def test_tokens_after_the_end_are_not_counted() -> None:
    run = figures([cut("a", 0.0, 0.5, 1.5)], tenants={"a": 1}, seconds=1)
    assert run.tokens_per_s == pytest.approx(10 + 1)


def test_an_empty_run_has_figures() -> None:
    run = figures([], tenants={"a": 1}, seconds=2)
    assert run.jain is None
    assert run.tenants["a"].ttft_p50 is None
    assert run.tokens_per_s == 0
