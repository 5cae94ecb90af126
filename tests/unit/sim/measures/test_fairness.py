"""Jain, promised shares, the fluid server and the interval in which all are active, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import support.max_min
from evenhand.scheduling import TenantShare
from evenhand.sim.measures.active import Interval, interval_of
from evenhand.sim.measures.columns import columns
from evenhand.sim.measures.entitlement import due, max_min
from evenhand.sim.measures.jain import jain
from evenhand.sim.measures.shares import promised_shares
from evenhand.sim.run_record import Fate
from support.made_record import Row, made_record

TREE = (
    TenantShare(
        name="acme",
        weight=3,
        children=(TenantShare(name="search", weight=2), TenantShare(name="chat")),
    ),
    TenantShare(name="beta"),
)


def test_jain() -> None:
    assert jain(np.array([2.0, 2.0, 2.0])) == pytest.approx(1)
    assert jain(np.array([1.0, 3.0])) == pytest.approx(16 / 20)
    assert jain(np.array([0.0, 0.0])) is None


def test_a_tenant_without_service_counts() -> None:
    assert jain(np.array([5.0, 0.0])) == pytest.approx(0.5)


def test_shares_go_down_the_tree() -> None:
    everybody = {("acme", "search"), ("acme", "chat"), ("beta",)}
    assert promised_shares(TREE, everybody).tolist() == [0.5, 0.25, 0.25]


def test_the_share_of_who_asks_for_nothing_falls_to_its_siblings() -> None:
    assert promised_shares(TREE, {("acme", "chat"), ("beta",)}).tolist() == [0, 0.75, 0.25]
    assert promised_shares(TREE, {("beta",)}).tolist() == [0, 0, 1]


def interval(*rows: Row, tenants: str = "ab") -> Interval | None:
    return interval_of(columns(made_record(rows), [(name,) for name in tenants]))


def test_all_are_active_from_the_last_first_arrival_to_the_first_last_ending() -> None:
    found = interval(
        Row(tenant="a", arrived_s=0, first_s=1, ended_s=2),
        Row(tenant="b", arrived_s=5, first_s=6, ended_s=7),
        Row(tenant="a", arrived_s=3, first_s=4, ended_s=30),
        Row(tenant="b", arrived_s=8, first_s=39, ended_s=40),
    )
    assert found == Interval(from_s=5, to_s=30, tenants=2, is_all_active=True)


def test_tenants_that_ask_for_nothing_are_not_waited_for() -> None:
    found = interval(Row(tenant="a", arrived_s=1, first_s=2, ended_s=3), tenants="abc")
    assert found == Interval(from_s=1, to_s=3, tenants=1, is_all_active=True)


def test_a_refused_request_makes_active_and_one_never_sent_does_not() -> None:
    found = interval(
        Row(tenant="a", arrived_s=0, first_s=2, ended_s=9),
        Row(tenant="b", arrived_s=1, ended_s=1, fate=Fate.THROTTLED),
        Row(tenant="b", arrived_s=4, ended_s=4, fate=Fate.REFUSED),
        Row(tenant="b", arrived_s=8, ended_s=8, fate=Fate.NEVER_SENT),
    )
    assert found == Interval(from_s=1, to_s=4, tenants=2, is_all_active=True)


def test_where_all_never_are_those_count_that_are_active_for_more_than_half_of_the_run() -> None:
    found = interval(
        Row(tenant="a", arrived_s=0, first_s=1, ended_s=6),
        Row(tenant="b", arrived_s=3, first_s=6, ended_s=10),
        Row(tenant="c", arrived_s=7, first_s=8, ended_s=9),
        tenants="abc",
    )
    assert found == Interval(from_s=3, to_s=6, tenants=2, is_all_active=False)


def test_where_none_is_the_interval_is_that_of_all_arrivals() -> None:
    found = interval(
        Row(tenant="a", arrived_s=0, first_s=1, ended_s=2),
        Row(tenant="b", arrived_s=5, first_s=6, ended_s=7),
    )
    assert found == Interval(from_s=0, to_s=5, tenants=0, is_all_active=False)


def test_a_single_instant_is_no_interval() -> None:
    assert interval(Row(arrived_s=1, ended_s=1, fate=Fate.REFUSED)) is None
    assert interval() is None


def test_max_min_by_hand() -> None:
    claims, shares = np.array([2.0, 50.0, 50.0]), np.array([1.0, 1.0, 2.0])
    assert max_min(20, claims, shares).tolist() == [2, 6, 12]
    assert max_min(1000, claims, shares).tolist() == [2, 50, 50]
    assert max_min(0, claims, shares).tolist() == [0, 0, 0]


@given(
    st.integers(0, 100),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), min_size=1, max_size=8),
)
def test_max_min_is_water_filling(amount: int, tenants: list[tuple[int, int]]) -> None:
    expected = support.max_min.max_min(
        {str(i): claim for i, (claim, _) in enumerate(tenants)},
        amount,
        {str(i): share for i, (_, share) in enumerate(tenants)},
    )
    claims = np.array([float(claim) for claim, _ in tenants])
    shares = np.array([float(share) for _, share in tenants])
    assert max_min(amount, claims, shares) == pytest.approx(
        [float(expected[str(i)]) for i in range(len(tenants))]
    )


def test_what_was_due_stays_claimed_until_it_is_given() -> None:
    asked = np.array([[10.0, 0, 0], [4.0, 0, 0]])
    received = np.array([[6.0, 6, 0], [0, 0, 2.0]])
    assert due(received, asked, np.array([0.5, 0.5])).tolist() == [[3, 5, 2], [3, 1, 0]]
