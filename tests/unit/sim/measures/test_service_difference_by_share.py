"""VTC's service difference, by hand and against the artifact's formula written plainly."""

import random

import numpy as np
import pytest

from evenhand.sim.measures.service_difference import ServiceDifference
from evenhand.sim.measures.service_difference_by_share import (
    ServedByShare,
    service_difference_by_share,
    ticks,
)
from evenhand.sim.measures.spread import Grid


def served(
    rows: list[tuple[int, float, float, float, float]], shares: list[float]
) -> ServedByShare:
    """Rows of tenant, arrival, first token, end, service; all that was asked for was served."""
    columns = [np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)]
    return ServedByShare(
        tenant=columns[0].astype(np.int64),
        arrived_s=columns[1],
        first_token_s=columns[2],
        ended_s=columns[3],
        service=columns[4],
        demand=columns[4],
        shares=np.array(shares),
    )


def test_two_tenants_by_hand() -> None:
    # The minute around second 30: tenant 0 asks for 600 and gets it, tenant 1 gets 120 of 240.
    rows = [(0, 0.0, 0.0, 60.0, 600.0), (1, 0.0, 0.0, 60.0, 120.0), (1, 59.0, 80.0, 90.0, 120.0)]
    found = service_difference_by_share(served(rows, [0.5, 0.5]), Grid(0, 30, 2))
    # Rates 10 and 2, asked 10 and 4: min(0, 0) + min(8, 2).
    assert found == ServiceDifference(max=2, mean=2, var=0)


def test_who_asks_for_little_is_not_treated_badly() -> None:
    rows = [(0, 0.0, 0.0, 60.0, 600.0), (1, 0.0, 0.0, 60.0, 6.0)]
    assert service_difference_by_share(
        served(rows, [0.5, 0.5]), Grid(0, 30, 2)
    ).max == pytest.approx(0)


def test_service_counts_by_weight() -> None:
    rows = [(0, 0.0, 0.0, 60.0, 600.0), (1, 0.0, 0.0, 60.0, 200.0), (1, 1.0, 70.0, 90.0, 400.0)]
    assert service_difference_by_share(
        served(rows, [0.75, 0.25]), Grid(0, 30, 2)
    ).max == pytest.approx(0)
    assert service_difference_by_share(
        served(rows, [0.5, 0.5]), Grid(0, 30, 2)
    ).max == pytest.approx(400 / 60)


def test_like_the_formula() -> None:
    rng = random.Random(5)
    rows = []
    for _ in range(300):
        arrived = rng.uniform(0, 570)
        first = arrived + rng.uniform(0, 80)
        rows.append(
            (rng.randrange(4), arrived, first, first + rng.uniform(1, 90), rng.uniform(1, 900))
        )
    values = []
    for tick in range(30, 571, 30):
        rate, asked = [0.0] * 4, [0.0] * 4
        for tenant, arrived, first, ended, cost in rows:
            overlap = max(min(ended, tick + 30) - max(first, tick - 30), 0)
            rate[tenant] += cost * overlap / (ended - first) / 60
            if tick - 30 <= arrived < tick + 30:
                asked[tenant] += cost / 60
        values.append(sum(min(max(rate) - r, abs(a - r)) for r, a in zip(rate, asked, strict=True)))
    assert len(values) == 19
    found = service_difference_by_share(served(rows, [0.25] * 4), Grid(0, 30, 20))
    assert found.max == pytest.approx(max(values))
    assert found.mean == pytest.approx(np.mean(values))
    assert found.var == pytest.approx(np.var(values))


def test_ticks_are_about_half_a_minute_apart() -> None:
    assert ticks(0, 600) == Grid(0, 30, 20)
    assert ticks(0, 599.4) == Grid(0, 599.4 / 20, 20)
    assert ticks(100, 108) == Grid(100, 2, 4)
    assert ticks(5, 5) is None
