"""Figures of the papers' runs, on runs small enough to count by hand."""

import numpy as np
import pytest

from evenhand.model import EngineName
from evenhand.sim.job import Job
from evenhand.sim.measures.columns import Columns, columns
from evenhand.sim.papers.dlpm.claims import agreement, gain
from evenhand.sim.papers.dlpm.run import measured
from evenhand.sim.papers.fairserve.figures import content_users, platform_figures
from evenhand.sim.run_record import Fate, RunRecord
from evenhand.workloads.ask import Ask


def run(*rows: tuple[str, str, int, Fate, float, float, float, float]) -> Columns:
    """Tenant, interaction, call, fate; when it arrived, started, gave its first token and ended, in
    seconds, below 0: never. Each has 100 tokens in and 10 out."""
    record = RunRecord()
    for number, (tenant, interaction, call, fate, arrived, started, first, ended) in enumerate(
        rows
    ):
        ask = Ask(
            id=number,
            at_ms=0,
            tenant=(tenant,),
            input_tokens=100,
            output_tokens=10,
            interaction=interaction,
            call_index=call,
        )
        job = Job(ask, arrived * 1000)
        job.engine = EngineName("e")
        job.started_ms, job.first_token_ms, job.ended_ms = (
            s * 1000 for s in (started, first, ended)
        )
        job.produced = 10 if fate is Fate.COMPLETED else 0
        record.add(job, fate)
    return columns(record, sorted({(row[0],) for row in rows}))


DONE, THROTTLED, NEVER = Fate.COMPLETED, Fate.THROTTLED, Fate.NEVER_SENT


def test_what_was_answered_of_an_interaction_that_is_throttled_later_is_wasted() -> None:
    table = run(
        ("a", "1", 0, DONE, 0, 0, 1, 2),
        ("a", "1", 1, THROTTLED, 3, -1, -1, 3),
        ("a", "1", 2, NEVER, 3, -1, -1, 3),
        ("b", "2", 0, THROTTLED, 1, -1, -1, 1),
        ("b", "3", 0, DONE, 0, 4, 5, 10),
    )
    all_users = np.ones(2, dtype=bool)
    figures = platform_figures(table, all_users, all_users, seconds=10)
    assert (figures.interactions, figures.throttled, figures.throttled_within) == (3, 2, 1)
    assert figures.wasted_tokens == 100
    assert figures.users_hit == 2
    assert figures.served_share_users == 0
    assert figures.served_share_interactions == pytest.approx(1 / 3)
    assert figures.answered_at_once
    assert figures.makespan_s == 10


def test_the_queue_of_a_user_counts_while_a_call_of_it_runs_that_another_follows() -> None:
    table = run(
        ("a", "1", 0, DONE, 0, 0, 1, 4),
        ("a", "2", 0, DONE, 2, 3, 3.5, 5),
        ("a", "1", 1, DONE, 6, 8, 9, 10),
        ("b", "3", 0, DONE, 0, 5, 6, 7),
    )
    nobody = np.zeros(2, dtype=bool)
    figures = platform_figures(table, nobody, nobody, seconds=10)
    assert figures.mid_queue == pytest.approx(1 / 4)
    assert figures.users_delayed_share == 1
    assert figures.mid_wait_p99_s == pytest.approx(3)


def test_who_asks_for_little_leaves_the_rest_to_the_others() -> None:
    asked = np.array([1.0, 2.0, 9.0, 20.0])
    assert content_users(asked, 0.75).tolist() == [True, True, True, False]
    assert content_users(asked, 0.5).tolist() == [True, True, False, False]


def test_a_client_that_gets_nothing_counts_in_jains_index() -> None:
    table = run(
        ("a", "1", 0, DONE, 0, 0, 0, 10),
        ("b", "2", 0, DONE, 0, 9, 10, 12),
        ("c", "3", 0, DONE, 0, 10, 11, 12),
    )
    assert measured(table).jain == pytest.approx(1 / 3)


def test_latency_of_a_program_lasts_to_its_last_token_and_the_flood_is_left_out() -> None:
    table = run(
        ("a", "0", 0, DONE, 0, 0, 1, 50),
        ("b", "1", 0, DONE, 1, 1, 2, 3),
        ("b", "1", 1, DONE, 3, 3, 4, 9),
        ("b", "2", 0, DONE, 2, 2, 3, 8),
    )
    assert measured(table).p50_s == pytest.approx(7)


def test_a_direction_is_asked_where_the_paper_has_one() -> None:
    assert gain(2, 6, "p50_s") == 3
    assert gain(6, 2, "service") == 3
    assert agreement({2: 1.7, 4: 0.6, 8: 0.95}, {2: 1.2, 4: 0.5, 8: 0.1}) == pytest.approx(1.2)
    assert agreement({2: 1.7}, {2: 0.9}) == pytest.approx(0.9)
