"""When an overload begins and ends, on series made by hand."""

from evenhand.scheduling.admission.overload import Overload

NEVER, TARGET_MS = None, 10_000


def overload(sustained_ms: int = 5_000) -> Overload:
    return Overload(target_ms=TARGET_MS, sustained_ms=sustained_ms, cleared_percent=70)


def states(made: Overload, series: list[tuple[int, int | None]]) -> list[int | None]:
    """Since when it is overloaded, after each (time, drain time), in seconds."""
    told = []
    for at_s, drain_s in series:
        made.measure(None if drain_s is None else drain_s * 1000, at_s * 1000)
        told.append(None if made.since_ms is None else made.since_ms // 1000)
    return told


def test_it_begins_when_the_target_has_been_exceeded_for_the_time() -> None:
    series: list[tuple[int, int | None]] = [(0, 5), (1, 11), (3, 30), (5, 11), (6, 11), (7, 11)]
    assert states(overload(), series) == [None, None, None, None, 6, 6]


def test_a_dip_below_the_target_starts_the_time_anew() -> None:
    series: list[tuple[int, int | None]] = [(0, 11), (4, 10), (5, 11), (9, 11), (10, 11)]
    assert states(overload(), series) == [None, None, None, None, 10]


def test_it_ends_well_below_the_target_only() -> None:
    series: list[tuple[int, int | None]] = [(0, 20), (5, 20), (6, 9), (60, 7), (61, 6), (62, 9)]
    assert states(overload(), series) == [None, 5, 5, 5, None, None]


def test_around_the_target_it_does_not_flap() -> None:
    around: list[tuple[int, int | None]] = [(second, 9 + second % 3) for second in range(6, 100)]
    assert set(states(overload(), around)) == {None}
    assert states(overload(), [(0, 20), (5, 20), *around])[1:] == [5] * 95


def test_without_a_measured_rate_there_is_none() -> None:
    series: list[tuple[int, int | None]] = [(0, 20), (5, 20), (6, None), (7, 20), (12, 20)]
    assert states(overload(), series) == [None, 5, None, None, 12]


def test_it_can_be_told_to_begin_at_once() -> None:
    assert states(overload(sustained_ms=0), [(0, 10), (1, 11)]) == [None, 1]
