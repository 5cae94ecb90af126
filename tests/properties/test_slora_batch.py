"""What a batch says of its worst step is what counting every step by hand says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.sim.engine.slora.batch import Batch, Member
from evenhand.sim.job import Job
from evenhand.workloads.ask import Ask
from support.reference_slora import peak

NOW = 50
LENGTHS = st.tuples(st.integers(1, 60), st.integers(1, 60))
RUNNING = st.lists(st.tuples(st.integers(0, NOW), LENGTHS), min_size=1, max_size=12)


def batch_of(running: list[tuple[int, tuple[int, int]]]) -> Batch:
    """Of requests that came in after those steps, and have steps to go yet."""
    batch = Batch()
    for number, (step, (input_tokens, left)) in enumerate(running):
        ask = Ask(
            id=number,
            at_ms=0,
            tenant=(str(number % 3),),
            input_tokens=input_tokens,
            output_tokens=NOW - step + left,
        )
        batch.add(Member(Job(ask, 0), step))
    return batch


def peak_by_hand(batch: Batch, lengths: tuple[int, int], step: int) -> int:
    held = [(member.base + step, member.end - step - 1) for member in batch.members]
    return peak([*held, (lengths[0] + 1, lengths[1] - 1)])


@settings(max_examples=300)
@given(RUNNING, LENGTHS)
def test_the_peak_with_one_more_is_that_of_the_artifacts_test(
    running: list[tuple[int, tuple[int, int]]], lengths: tuple[int, int]
) -> None:
    batch = batch_of(running)
    for step in range(NOW, batch.members[-1].end):
        assert batch.peak_with(*lengths, step) == peak_by_hand(batch, lengths, step)


@settings(max_examples=300)
@given(RUNNING, LENGTHS, st.integers(-4, 40))
def test_the_first_step_that_has_room_is_the_first(
    running: list[tuple[int, tuple[int, int]]], lengths: tuple[int, int], above: int
) -> None:
    batch = batch_of(running)
    until = batch.members[-1].end
    peaks = [peak_by_hand(batch, lengths, step) for step in range(NOW, until)]
    room = min(peaks) + above
    first = next((NOW + n for n, height in enumerate(peaks) if height < room), until)
    assert batch.first_fit(*lengths, room, NOW, until) == first


@given(RUNNING)
def test_members_leave_at_their_ends_and_leave_nothing_behind(
    running: list[tuple[int, tuple[int, int]]],
) -> None:
    batch = batch_of(running)
    for step in range(NOW, NOW + 61):
        held = sum(member.base + step for member in batch.members)
        assert batch.tokens(step) == held
        assert all(member.end == step for member in batch.take_ended(step))
    assert not batch
    assert not batch.tenants
