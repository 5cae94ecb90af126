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
