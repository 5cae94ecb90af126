"""GPU time: whatever comes and goes, what is booked is the wall time of the GPUs, to the microsecond."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from evenhand.ledger import Consumer
from evenhand.ledger.gpu import (
    US_PER_HOUR,
    EngineTime,
    GpuKind,
    GpuOwner,
    GpuStay,
    Stretch,
    ToldAccount,
    ToldTime,
    by_hour,
    divide,
)
from evenhand.model import ApplicationName, KeyId, ModelName

GPUS = 3
LONG_US = 50_000_000


def owner(number: int) -> GpuOwner:
    consumer = Consumer((f"t{number}",), ApplicationName("a"), KeyId("k"))
    return GpuOwner(GpuKind.ESTIMATED, consumer, ModelName("m"))


@given(
    st.integers(0, 1 << 60),
    st.lists(st.integers(0, 1 << 50), min_size=1, max_size=60).filter(any),
)
def test_a_division_loses_nothing_and_is_off_by_less_than_one(
    total: int, weights: list[int]
) -> None:
    parts = divide(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - total * weight) < whole
        assert weight or not part


@given(
    st.integers(0, 3 * US_PER_HOUR),
    st.integers(1, 3 * US_PER_HOUR),
    st.lists(st.integers(1, 1 << 40), min_size=1, max_size=8),
)
def test_hours_have_their_own_length_and_everybody_keeps_all(
    from_us: int, length_us: int, weights: list[int]
) -> None:
    owners = [owner(number) for number in range(len(weights))]
    parts = divide(length_us * GPUS, weights)
    whole = {who: part for who, part in zip(owners, parts, strict=True) if part}
    hours = list(by_hour(Stretch(from_us, from_us + length_us, whole)))
    for hour_us, part in hours:
        assert hour_us <= part.from_us < part.to_us <= hour_us + US_PER_HOUR
        assert sum(part.gpu_us.values()) == GPUS * (part.to_us - part.from_us)
        assert min(part.gpu_us.values()) > 0
    for who, amount in whole.items():
        assert sum(part.gpu_us.get(who, 0) for _, part in hours) == amount


class GpuTimeMachine(RuleBasedStateMachine):
    """Any interleaving of starts, tokens, ends, engines that come and go, restarts of the gateway, and
    stretches of any length."""

    def __init__(self) -> None:
        super().__init__()
        self.now_us = self.since_us = 1_000
        self.is_up = True
        self.time = EngineTime(gpus=GPUS, now_us=self.now_us, is_up=True)
        self.open: list[GpuStay] = []
        self.booked: dict[GpuOwner, int] = {}
        self.there: set[GpuOwner] = set()
        """Who was there since the last cut."""

    @rule(us=st.integers(0, LONG_US))
    def wait(self, us: int) -> None:
        self.now_us += us

    @rule(
        number=st.integers(0, 3),
        input_units=st.integers(0, 1 << 24),
        is_seen=st.booleans(),
        most=st.integers(0, 5000),
    )
    def begin(self, number: int, input_units: int, *, is_seen: bool, most: int) -> None:
        stay = GpuStay(
            owner(number),
            input_units=input_units,
            units_per_output=20,
            output_tokens_max=most,
            is_seen=is_seen,
            now_us=self.now_us,
        )
        self.time.began(stay)
        self.open.append(stay)
        self.there.add(stay.owner)

    @precondition(lambda self: any(stay.is_seen for stay in self.open))
    @rule(data=st.data(), tokens=st.integers(1, 500))
    def produce(self, data: st.DataObject, tokens: int) -> None:
        stay = data.draw(st.sampled_from([stay for stay in self.open if stay.is_seen]))
        stay.output_tokens += tokens
        if stay.answered_us is None:
            stay.answered_us = self.now_us

    @precondition(lambda self: self.open)
    @rule(data=st.data(), tokens=st.integers(0, 5000), input_units=st.integers(0, 1 << 24))
    def end(self, data: st.DataObject, tokens: int, input_units: int) -> None:
        stay = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        stay.input_units, stay.output_tokens = input_units, tokens
        self.time.ended(stay, self.now_us)

    @rule(is_up=st.booleans())
    def change(self, *, is_up: bool) -> None:
        self.time.engine_changed(self.now_us, is_up=is_up)
        self.is_up = is_up

    @rule()
    def cut(self) -> None:
        stretch = self.time.close_stretch(self.now_us)
        assert sum(stretch.gpu_us.values()) == GPUS * (stretch.to_us - stretch.from_us)
        for who, gpu_us in stretch.gpu_us.items():
            assert gpu_us > 0
            assert who in self.there or who.kind is not GpuKind.ESTIMATED
            self.booked[who] = self.booked.get(who, 0) + gpu_us
        self.there = {stay.owner for stay in self.open}

    @rule()
    def restart(self) -> None:
        """In order: the last stretch is cut, and the account goes on."""
        self.cut()
        self.open.clear()
        self.there.clear()
        self.time = EngineTime(gpus=GPUS, now_us=self.now_us, is_up=self.is_up)

    @invariant()
    def all_time_is_booked(self) -> None:
        cut_us = self.time.from_us
        assert sum(self.booked.values()) == GPUS * (cut_us - self.since_us)


TestGpuTimeMachine = GpuTimeMachine.TestCase


@st.composite
def tellings(draw: st.DrawFn) -> tuple[list[Stretch], list[tuple[int, ToldTime]]]:
    """Estimated stretches, one after the other, and between them what some runs of an engine told."""
    ends = draw(st.lists(st.integers(1, 3_000_000), min_size=1, max_size=30))
    stretches, at_us = [], 0
    for length_us in ends:
        stretches.append(Stretch(at_us, at_us + length_us, {owner(0): length_us * GPUS}))
        at_us += length_us
    told, since_us, until_us, run = [], 0, 0, 0
    for index in draw(st.lists(st.integers(0, len(ends) - 1), max_size=12).map(sorted)):
        if draw(st.booleans()):
            run, since_us = run + 1, until_us + draw(st.integers(0, 2_000_000))
        until_us = max(until_us, since_us) + draw(st.integers(0, 4_000_000))
        amount = (until_us - since_us) * GPUS
        parts = {exact(run % 2): amount} if amount else {}
        told.append(
            (index, ToldTime(run=str(run), since_us=since_us, until_us=until_us, gpu_us=parts))
        )
    return stretches, told


def exact(number: int) -> GpuOwner:
    return owner(number)._replace(kind=GpuKind.EXACT)


@given(tellings())
def test_each_moment_is_booked_once_whatever_the_engine_tells(
    given_: tuple[list[Stretch], list[tuple[int, ToldTime]]],
) -> None:
    stretches, told = given_
    account = ToldAccount()
    booked: list[Stretch] = []
    for index, stretch in enumerate(stretches):
        account.estimated(stretch)
        for at, each in told:
            if at == index:
                booked += account.told(each)
        booked += account.late(stretch.to_us)
    booked += account.rest()
    at_us = 0
    for stretch in booked:
        assert stretch.from_us == at_us
        assert stretch.to_us > at_us
        assert sum(stretch.gpu_us.values()) == GPUS * (stretch.to_us - at_us)
        at_us = stretch.to_us
    assert at_us == stretches[-1].to_us


def test_what_the_engine_tells_takes_the_place_of_the_estimate() -> None:
    account = ToldAccount()
    for second in range(4):
        account.estimated(Stretch(second * 10**6, (second + 1) * 10**6, {owner(0): GPUS * 10**6}))
    half = ToldTime(run="r", since_us=500_000, until_us=1_500_000, gpu_us={exact(1): GPUS * 10**6})
    first = list(account.told(half))
    assert [(s.from_us, s.to_us) for s in first] == [(0, 500_000), (500_000, 1_500_000)]
    assert set(first[0].gpu_us) == {owner(0)}
    assert set(first[1].gpu_us) == {exact(1)}
    more = ToldTime(
        run="r", since_us=500_000, until_us=3_000_000, gpu_us={exact(1): GPUS * 2_500_000}
    )
    (second_piece,) = account.told(more)
    assert second_piece == Stretch(1_500_000, 3_000_000, {exact(1): GPUS * 1_500_000})
