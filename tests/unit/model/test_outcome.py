"""Every ending is decided."""

from evenhand.model import ENDINGS, Outcome


def test_every_outcome_has_its_ending() -> None:
    assert set(ENDINGS) == set(Outcome)


def test_errors_have_a_type_and_a_code_unless_nobody_is_left_to_read_them() -> None:
    for outcome, ending in ENDINGS.items():
        is_silent = outcome is Outcome.COMPLETED or ending.status == 499
        assert bool(ending.error_type) != is_silent, outcome
        assert bool(ending.code) or outcome is Outcome.COMPLETED


def test_the_statuses_of_the_promise_are_there() -> None:
    statuses = {ending.status for ending in ENDINGS.values()}
    promised = {400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 502, 503, 504}
    assert promised <= statuses


def test_what_the_client_must_change_is_not_retried() -> None:
    for outcome, ending in ENDINGS.items():
        if 400 <= ending.status < 500 and ending.status not in (408, 429, 499):
            assert ending.retry is False, outcome
