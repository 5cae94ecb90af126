"""What an engine may still be at after we have given it up."""

from evenhand.gateway.ghosts import Ghosts
from evenhand.model import EngineReport


def some(*since_ms: int) -> Ghosts:
    ghosts = Ghosts(grace_ms=2_000)
    for at_ms in since_ms:
        ghosts.add(at_ms)
    return ghosts


def test_each_goes_when_its_own_grace_ends() -> None:
    ghosts = some(0, 500)
    assert ghosts.due_ms == 2_000
    assert not ghosts.expire(1_999)
    assert ghosts.expire(2_000)
    assert (len(ghosts), ghosts.due_ms) == (1, 2_500)
    assert ghosts.expire(10_000)
    assert len(ghosts) == 0
    assert ghosts.count_total == 2


def test_without_a_grace_there_are_none() -> None:
    ghosts = Ghosts(grace_ms=0)
    assert not ghosts.add(0)
    assert len(ghosts) == 0


def test_they_go_as_far_as_the_engine_says_that_it_has_no_more_than_we_know_of() -> None:
    for running, waiting, left in ((5, 0, 3), (4, 1, 3), (3, 0, 1), (2, None, 0), (0, 0, 0)):
        ghosts = some(0, 0, 0)
        report = EngineReport(running=running, waiting=waiting)
        assert ghosts.confirm(report, in_flight=2, asked_ms=100) == (left < 3)
        assert len(ghosts) == left


def test_an_engine_that_does_not_say_or_was_asked_before_confirms_nothing() -> None:
    ghosts = some(100)
    assert not ghosts.confirm(EngineReport(waiting=0), in_flight=0, asked_ms=200)
    assert not ghosts.confirm(EngineReport(running=0), in_flight=0, asked_ms=100)
    assert not ghosts.confirm(EngineReport(running=0), in_flight=0, asked_ms=50)
    assert ghosts.confirm(EngineReport(running=0), in_flight=0, asked_ms=101)


def test_a_restart_ends_them_all() -> None:
    ghosts = some(0, 1)
    assert ghosts.clear()
    assert not ghosts.clear()
    assert ghosts.due_ms is None
