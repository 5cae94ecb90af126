"""What is carried through, turned away, held up and wasted, by hand."""

from evenhand.sim.measures.columns import Columns, columns
from evenhand.sim.measures.interactions import InteractionFigures, interactions
from evenhand.sim.run_record import Fate
from support.made_record import Row, made_record


def run(*rows: Row) -> Columns:
    return columns(made_record(rows), [("a",), ("b",)])


def figures(*rows: Row) -> InteractionFigures:
    columns = run(*rows)
    return interactions(columns).figures(columns)


def test_a_throttled_interaction_wastes_what_ran_before() -> None:
    found = figures(
        Row(interaction="x", first_s=1, ended_s=2, input_tokens=100, output_tokens=7),
        Row(interaction="x", call_index=1, arrived_s=2, ended_s=2, fate=Fate.THROTTLED),
        Row(interaction="x", call_index=2, arrived_s=2, ended_s=2, fate=Fate.NEVER_SENT),
        Row(interaction="y", first_s=1, ended_s=2),
        Row(interaction="y", call_index=1, arrived_s=2, first_s=3, ended_s=4),
    )
    assert found == InteractionFigures(
        total=2, completed=1, throttled=1, delayed=0, wasted_tokens=107, wasted_prompt_tokens=100
    )


def test_one_that_is_throttled_at_its_first_call_wastes_nothing() -> None:
    found = figures(
        Row(interaction="x", ended_s=0, fate=Fate.THROTTLED),
        Row(interaction="x", call_index=1, fate=Fate.NEVER_SENT),
    )
    assert (found.throttled, found.wasted_tokens) == (1, 0)


def test_a_client_that_leaves_wastes_too_but_was_not_throttled() -> None:
    found = figures(
        Row(first_s=1, ended_s=3, produced=2, output_tokens=9, fate=Fate.LEFT),
        Row(arrived_s=1, ended_s=9, fate=Fate.LEFT),
    )
    assert found == InteractionFigures(
        total=2, completed=0, throttled=0, delayed=0, wasted_tokens=12, wasted_prompt_tokens=0
    )


def test_delayed_is_a_later_call_that_waits_more_than_a_second_to_start() -> None:
    found = figures(
        Row(interaction="first", started_s=5, first_s=6, ended_s=7),
        Row(interaction="short", call_index=1, started_s=1, first_s=6, ended_s=7),
        Row(interaction="long", call_index=1, started_s=1.1, first_s=6, ended_s=7),
        Row(interaction="gave up", call_index=1, ended_s=1.1, fate=Fate.LEFT),
        Row(interaction="refused", call_index=1, ended_s=9, fate=Fate.REFUSED),
        Row(started_s=5, first_s=6, ended_s=7),
    )
    assert found.delayed == 2


def test_names_of_interactions_are_each_tenants_own() -> None:
    found = figures(
        Row(tenant="a", interaction="1", first_s=1, ended_s=2),
        Row(tenant="b", interaction="1", fate=Fate.THROTTLED),
    )
    assert (found.total, found.completed, found.throttled) == (2, 1, 1)


def test_nothing_at_all() -> None:
    assert figures().total == 0
