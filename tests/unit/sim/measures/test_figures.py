"""All figures of small runs, by hand; none is NaN."""

from dataclasses import asdict
from typing import Any

import orjson
import pytest

from evenhand.scheduling import TenantShare
from evenhand.sim.measures.figures import RunFigures, figures
from evenhand.sim.run_record import Fate
from support.made_record import Row, made_record

TENANTS = tuple(TenantShare(name=name) for name in "abc")


def measured(*rows: Row) -> RunFigures:
    return figures(made_record(rows), TENANTS)


TWO = (
    Row(tenant="a", arrived_s=0, first_s=2, ended_s=12, input_tokens=80, output_tokens=10),
    Row(tenant="b", arrived_s=2, first_s=4, ended_s=14, input_tokens=40, cached_tokens=30),
    Row(tenant="a", arrived_s=1, first_s=14, ended_s=22, input_tokens=6, output_tokens=2),
)


def test_a_run_by_hand() -> None:
    run = measured(*TWO)
    assert run.makespan_s == 22
    assert run.tokens_per_s == pytest.approx((80 + 10 + 40 + 5 + 6 + 2) / 22)
    assert (run.requests, run.completed, run.refused) == (3, 3, 0)
    assert run.hit_rate == pytest.approx(30 / 126)
    assert run.measured is not None
    assert (run.measured.from_s, run.measured.to_s) == (2, 14)
    # In it, a has all its 100 of the first and nothing of the second, b all its 50.
    assert run.jain_all_active == pytest.approx(150**2 / (2 * (100**2 + 50**2)))
    assert run.service_per_s == pytest.approx((100 + 50 + 10) / 22)


def test_a_tenant_by_hand() -> None:
    run = measured(*TWO)
    a = run.tenants["a"]
    assert (a.requests, a.completed, a.service, a.demand) == (2, 2, 110, 110)
    assert (a.ttft_mean_s, a.ttft_p50_s) == (7.5, 7.5)
    assert a.ttft_p90_s == pytest.approx(2 + 0.9 * 11)
    assert a.latency_p50_s == 16.5
    assert (a.share_promised, run.tenants["b"].share_promised) == (0.5, 0.5)
    assert a.share_received == pytest.approx(100 / 150)


def test_a_tenant_that_asks_for_nothing_has_no_waits_and_no_promise() -> None:
    c = measured(*TWO).tenants["c"]
    assert (c.requests, c.service, c.share_promised, c.share_received) == (0, 0, 0, 0)
    assert c.ttft_mean_s is None
    assert c.latency_p99_s is None
    assert c.behind_s is None


def test_a_starved_tenant_counts_in_jain() -> None:
    run = measured(
        Row(tenant="a", arrived_s=0, first_s=0, ended_s=10),
        Row(tenant="b", arrived_s=0, ended_s=10, fate=Fate.LEFT),
    )
    assert run.jain_all_active == pytest.approx(0.5)


def test_fates_add_up_and_refusals_lower_the_served_share() -> None:
    run = measured(
        Row(tenant="a", arrived_s=0, first_s=1, ended_s=2),
        Row(tenant="b", arrived_s=1, ended_s=1, fate=Fate.THROTTLED, interaction="x"),
        Row(tenant="b", arrived_s=1, ended_s=1, fate=Fate.NEVER_SENT, interaction="x"),
        Row(tenant="b", arrived_s=1, ended_s=3, fate=Fate.REFUSED),
        Row(tenant="b", arrived_s=1, ended_s=3, fate=Fate.FAILED),
        Row(tenant="b", arrived_s=1, ended_s=3, fate=Fate.LEFT),
        Row(tenant="b", arrived_s=1, first_s=3, ended_s=3, output_tokens=1),
    )
    b = run.tenants["b"]
    assert b.requests == b.completed + b.refused + b.left + b.failed + b.never_sent == 6
    assert (run.refused, b.refused, b.never_sent) == (2, 2, 1)
    assert run.served_share.users == 0.5
    assert run.served_share.interactions == pytest.approx(4 / 6)


def test_behind_is_how_much_later_than_a_fair_server() -> None:
    # b's work comes 10 s after its turn; a fair server would have given both half from the start.
    run = measured(
        Row(tenant="a", arrived_s=0, first_s=0, ended_s=10, input_tokens=100),
        Row(tenant="b", arrived_s=0, first_s=10, ended_s=20, input_tokens=100),
    )
    assert run.tenants["a"].behind_s == pytest.approx(0, abs=0.02)
    assert run.tenants["b"].behind_s == pytest.approx(5, rel=0.01)


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for inner in value.values() for number in numbers(inner)]
    return [value] if isinstance(value, float) else []


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (Row(fate=Fate.NEVER_SENT),),
        (Row(arrived_s=1, ended_s=1, fate=Fate.REFUSED),),
        (Row(arrived_s=1, first_s=1, ended_s=1, output_tokens=1),),
        (Row(arrived_s=0, ended_s=5, fate=Fate.LEFT), Row(tenant="b", ended_s=5, fate=Fate.LEFT)),
    ],
)
def test_figures_that_do_not_exist_are_none(rows: tuple[Row, ...]) -> None:
    run = measured(*rows)
    assert all(number == number for number in numbers(asdict(run)))
    orjson.dumps(asdict(run))
