"""Clients that ask in bursts: rates and bursts as asked for, from the first moment on."""

import numpy as np
import pytest

from evenhand.workloads.renewals import Gaps, Renewals, gamma_gaps, weibull_gaps


def made(clients: list[Gaps], seed: int = 1) -> Renewals:
    return Renewals(clients, np.random.default_rng(seed))


@pytest.mark.parametrize("of", [gamma_gaps, weibull_gaps])
@pytest.mark.parametrize("cv", [0.5, 1.0, 4.0])
def test_gaps_have_mean_and_spread(of: type[Gaps], cv: float) -> None:
    gaps = of(per_second=2.0, cv=cv)  # type: ignore[call-arg]
    drawn = gaps.draw(np.random.default_rng(1), 400_000)
    assert gaps.mean_s == pytest.approx(0.5)
    assert drawn.mean() == pytest.approx(0.5, rel=0.05)
    assert drawn.std() / drawn.mean() == pytest.approx(cv, rel=0.1)


@pytest.mark.parametrize("of", [gamma_gaps, weibull_gaps])
@pytest.mark.parametrize("cv", [0.5, 1.0, 3.0])
def test_no_client_bursts_because_it_is_the_start(of: type[Gaps], cv: float) -> None:
    """Of many clients with an arrival a second, as many come in the first second as in the tenth."""
    gaps = of(per_second=1.0, cv=cv)  # type: ignore[call-arg]
    renewals = made([gaps] * 4000)
    counts = [len(renewals.until(second)[0]) for second in range(1, 11)]
    assert counts[0] == pytest.approx(4000, rel=0.12)
    assert counts[-1] == pytest.approx(4000, rel=0.12)


def test_each_stretch_follows_on_the_last() -> None:
    renewals = made([gamma_gaps(per_second=rate, cv=2.0) for rate in (5.0, 0.1, 1.0)])
    moments, owners = zip(*(renewals.until(end) for end in (7.0, 7.5, 400.0)), strict=True)
    together = np.concatenate(moments)
    assert (np.diff(together) >= 0).all()
    assert [len(m) for m in moments] == [len(o) for o in owners]
    assert all((m < end).all() for m, end in zip(moments, (7.0, 7.5, 400.0), strict=True))
    counts = np.bincount(np.concatenate(owners), minlength=3) / 400
    assert counts == pytest.approx([5.0, 0.1, 1.0], rel=0.5)


def test_a_stretch_may_be_empty() -> None:
    renewals = made([gamma_gaps(per_second=0.001, cv=1.0)])
    moments, owners = renewals.until(0.5)
    assert len(moments) == len(owners) == 0
