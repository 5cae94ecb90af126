"""The artifact's measure, by hand and against what its own scripts say of its own rows."""

import numpy as np
import pytest

from evenhand.sim.measures.service_difference import Served, accumulated_gap, service_difference
from evenhand.sim.papers.vtc.published import OVERLOAD, REAL, Fairness
from support.golden_vtc import measured


def served(*rows: tuple[int, float, float, float, float]) -> Served:
    client, sent_s, first_token_s, ended_s, service = zip(*rows, strict=True)
    return Served(
        np.array(client),
        np.array(sent_s, dtype=float),
        np.array(first_token_s, dtype=float),
        np.array(ended_s, dtype=float),
        np.array(service, dtype=float),
    )


def test_who_got_what_it_asked_for_is_not_taken_for_wronged() -> None:
    # Both ask within the first window, which is from 28.5 s to 88.5 s.
    requests = served((0, 30, 30, 60, 6000), (1, 30, 30, 60, 600))
    found = service_difference(requests, windows=1)
    assert found.max == found.mean == pytest.approx(0)
    assert found.var == 0


def test_what_lacks_is_the_less_of_the_distance_to_the_best_served_and_to_what_was_asked() -> None:
    requests = served((0, 30, 30, 60, 6000), (1, 30, 100, 130, 3000))
    assert service_difference(requests, windows=1).max == pytest.approx(3000 / 60)
    requests = served((0, 30, 30, 60, 600), (1, 30, 100, 130, 3000))
    assert service_difference(requests, windows=1).max == pytest.approx(600 / 60)


def test_service_is_spread_evenly_from_the_first_token_to_the_end() -> None:
    requests = served((0, 0, 0, 100, 1000), (1, 0, 50, 100, 1000))
    assert accumulated_gap(requests, 50) == pytest.approx(500)
    assert accumulated_gap(requests, 75) == pytest.approx(250)
    assert accumulated_gap(requests, 100) == pytest.approx(0)
    assert accumulated_gap(requests, 100, since_s=50) == pytest.approx(500)


def test_a_request_of_one_token_counts_nothing_as_in_the_artifact() -> None:
    assert accumulated_gap(served((0, 0, 1, 1, 500), (1, 0, 1, 2, 500)), 10) == pytest.approx(500)


@pytest.mark.parametrize(
    ("suite", "scheduler", "published"),
    [
        *(("real", scheduler, fairness) for scheduler, fairness in REAL.items()),
        *(("overload", scheduler, fairness) for scheduler, fairness in OVERLOAD.items()),
    ],
)
def test_measured_rows_give_the_published_table(
    suite: str, scheduler: str, published: Fairness
) -> None:
    run = measured()[f"{scheduler}/all_results_{suite}"]
    found = service_difference(run.columns().served())
    assert found.max == pytest.approx(published.max, abs=0.05)
    assert found.mean == pytest.approx(published.mean, abs=0.05)
    assert found.var == pytest.approx(published.var, rel=1e-3, abs=0.05)
    assert run.columns().tokens / run.total_time_s == pytest.approx(
        published.tokens_per_s, abs=0.51
    )
