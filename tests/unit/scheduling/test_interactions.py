"""Which calls continue an interaction: bounded, bound to the tenant, and learned from."""

import pytest

from evenhand.model import InteractionId, ModelName, Request, RequestId
from evenhand.scheduling import ShareTree, TenantShare
from evenhand.scheduling.interactions import Interactions

TREE = ShareTree((TenantShare(name="a"), TenantShare(name="b")))
A, B = TREE.leaf(("a",)), TREE.leaf(("b",))
DIALS = {"interaction_calls_max": 4, "interaction_idle_s": 10, "tenant_interactions_max": 3}


def call(name: str, number: int = 1, *, declared: int | None = None) -> Request:
    return Request(
        id=RequestId(f"{name}-{number}"),
        tenant=("a",),
        model=ModelName("m"),
        body_bytes=1,
        queue_wait_ms_max=1,
        interaction=InteractionId(name),
        calls_declared=declared,
    )


def follow(known: Interactions, name: str, calls: int, now_ms: int = 0) -> list[bool]:
    """Calls one after another; whether each continued."""
    continued = []
    for number in range(calls):
        one = call(name, number)
        known.called(one, A, now_ms)
        continued.append(known.is_later_call(one))
        known.ended(one, A, now_ms, has_run=True)
    return continued


def test_the_first_call_begins_and_the_others_continue() -> None:
    assert follow(Interactions(DIALS), "x", 3) == [False, True, True]


def test_beyond_the_cap_a_call_counts_as_a_first_one() -> None:
    assert follow(Interactions(DIALS), "x", 9) == [False, *[True] * 3, False, *[True] * 3, False]


def test_calls_without_a_name_have_nothing_in_common() -> None:
    known = Interactions(DIALS)
    assert follow(known, "", 3) == [False] * 3
    assert known.remembered(A) == 0


def test_the_same_word_of_another_tenant_is_another_interaction() -> None:
    known = Interactions(DIALS)
    follow(known, "x", 1)
    assert known.continues(call("x"), A, 0)
    assert not known.continues(call("x"), B, 0)


def test_an_interaction_ends_by_idling_and_not_while_a_call_is_open() -> None:
    known = Interactions(DIALS)
    follow(known, "x", 1)
    assert known.continues(call("x"), A, 9_999)
    assert not known.continues(call("x"), A, 10_000)
    long_call = call("y")
    known.called(long_call, A, 10_000)
    follow(known, "z", 1, now_ms=500_000)
    assert known.continues(call("y", 2), A, 500_000)
    known.ended(long_call, A, 500_000, has_run=True)
    assert known.continues(call("y", 2), A, 509_999)


def test_of_too_many_the_longest_idle_is_forgotten() -> None:
    known = Interactions(DIALS)
    for name in ("w", "x", "y"):
        follow(known, name, 1)
    follow(known, "w", 1)
    follow(known, "z", 1)
    still = [name for name in "wxyz" if known.continues(call(name), A, 0)]
    assert still == ["w", "y", "z"]
    assert known.remembered(A) == 3


def test_where_all_are_at_work_a_new_one_is_not_remembered() -> None:
    known = Interactions(DIALS)
    for name in ("w", "x", "y", "z"):
        known.called(call(name), A, 0)
    assert known.remembered(A) == 3
    assert not known.continues(call("z", 2), A, 0)
    assert known.continues(call("x", 2), A, 0), "those before it keep their place"
    for name in ("w", "x", "y", "z"):
        known.ended(call(name), A, 0, has_run=True)
    assert known.remembered(A) == 3


def test_a_call_that_never_ran_has_begun_nothing() -> None:
    known = Interactions(DIALS)
    known.called(call("x"), A, 0)
    known.ended(call("x"), A, 0, has_run=False)
    assert not known.continues(call("x"), A, 0)
    assert known.remembered(A) == 0


def test_idle_tenants_are_forgotten_and_nothing_of_ended_calls_is_kept() -> None:
    known = Interactions(DIALS)
    follow(known, "x", 2)
    known.called(call("y"), B, 10_000)
    known.ended(call("y"), B, 10_000, has_run=True)
    assert known.remembered(A) == 0
    assert len(known._tenants) == 1
    assert not known._open
    assert not known._later_calls
    known.forget(A)
    assert not known._chains._means


@pytest.mark.parametrize(
    ("declared", "expected"),
    [(None, 3), (1, 1), (5, 4), (2, 2), (1_000_000, 4)],
)
def test_the_length_of_a_chain_is_learned_and_a_declared_one_is_capped(
    declared: int | None, expected: int
) -> None:
    known = Interactions(DIALS)
    for minute in range(4):  # over each time when the next begins
        follow(known, "x", 3, now_ms=minute * 60_000)
    assert known.expected_calls(call("new", declared=declared), A) == expected


def test_before_anything_is_learned_a_declaration_counts_for_two_at_most() -> None:
    known = Interactions(DIALS)
    assert known.expected_calls(call("x"), A) == 1
    assert known.expected_calls(call("x", declared=4), A) == 2
    assert known.expected_calls(call("", declared=4), A) == 1
