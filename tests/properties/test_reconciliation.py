"""Reconciliation: every difference is given away whole, no cause takes more than it can have been, and
thinning what is old changes nothing."""

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from evenhand.ledger.reconciliation import (
    Cause,
    EngineCount,
    LedgerUse,
    Side,
    Sums,
    compared,
    explain,
    intervals,
    reconciled,
)

TOKENS = st.integers(0, 10_000)
GROWTH = st.builds(
    Sums,
    retried=st.integers(0, 3),
    retried_input_most=TOKENS,
    retried_output_most=TOKENS,
    left=st.integers(0, 3),
    left_input=TOKENS,
    left_input_most=TOKENS,
    left_output_most=TOKENS,
    surplus_input=TOKENS,
    direct_input=TOKENS,
    direct_output=TOKENS,
    foreign_readings=st.integers(0, 1),
)


@st.composite
def histories(draw: st.DrawFn) -> list[EngineCount]:
    """Counts of one engine over runs of the gateway and lives of the engine, in order."""
    count = EngineCount(
        at_ms=0,
        boot=0,
        life=0,
        input_tokens=draw(TOKENS),
        output_tokens=draw(TOKENS),
        is_calm=True,
        open_input=0,
        open_output_most=0,
        sums=Sums(),
    )
    counts = [count]
    for _ in range(draw(st.integers(0, 12))):
        at_ms = count.at_ms + draw(st.integers(1, 4_000_000))
        is_calm = draw(st.booleans())
        what = draw(st.sampled_from(["goes on", "goes on", "engine restarts", "gateway restarts"]))
        count = replace(
            count,
            at_ms=at_ms,
            boot=at_ms if what == "gateway restarts" else count.boot,
            life=count.life + (what == "engine restarts"),
            input_tokens=draw(TOKENS) + (count.input_tokens if what == "goes on" else 0),
            output_tokens=draw(TOKENS) + (count.output_tokens if what == "goes on" else 0),
            is_calm=is_calm,
            open_input=0 if is_calm else draw(TOKENS),
            open_output_most=0 if is_calm else draw(TOKENS),
            sums=draw(GROWTH) + (Sums() if what == "gateway restarts" else count.sums),
        )
        counts.append(count)
    return counts


USES = st.builds(
    LedgerUse,
    requests=st.integers(0, 9),
    input_tokens=TOKENS,
    output_tokens=TOKENS,
    estimated_input=st.integers(0, 50),
    estimated_output=st.integers(0, 50),
)


@given(histories(), st.data())
def test_causes_sum_to_the_difference_and_keep_to_what_they_can_have_been(
    counts: list[EngineCount], data: st.DataObject
) -> None:
    for interval in intervals(counts):
        use = data.draw(USES)
        for side in Side:
            engine, ledger, causes = explain(interval, use, side)
            assert sum(causes.values()) == engine - ledger
            sums, is_input = interval.sums, side is Side.INPUT
            retried = sums.retried_input_most if is_input else sums.retried_output_most
            assert 0 <= causes.get(Cause.RETRIED, 0) <= retried
            left = sums.left_input_most if is_input else sums.left_output_most
            least = -sums.left_input if is_input else 0
            assert least <= causes.get(Cause.ABORTED, 0) <= left
            direct = sums.direct_input if is_input else sums.direct_output
            if not sums.foreign_readings:
                assert causes.get(Cause.DIRECT, 0) == direct
            if interval.restarts or interval.away_ms:
                assert Cause.UNEXPLAINED not in causes
            else:
                assert not {Cause.RESTART, Cause.AWAY} & causes.keys()


@given(histories())
def test_intervals_follow_each_other_and_lose_no_token(counts: list[EngineCount]) -> None:
    parts = list(intervals(counts))
    assert [part.from_ms for part in parts[1:]] == [part.to_ms for part in parts[:-1]]
    if parts:
        assert (parts[0].from_ms, parts[-1].to_ms) == (counts[0].at_ms, counts[-1].at_ms)
    counted = sum(
        after.output_tokens - before.output_tokens
        for before, after in itertools.pairwise(counts)
        if after.boot == before.boot and after.life == before.life
    )
    assert sum(part.output_tokens for part in parts) >= counted
    whole = reconciled((part, LedgerUse()) for part in parts)
    assert whole.engine[Side.OUTPUT] == sum(part.output_tokens for part in parts)


@given(histories(), st.integers(0, 30_000_000), st.integers(0, 30_000_000))
def test_what_is_compared_is_within_the_period_and_calm_at_its_ends_where_it_can_be(
    counts: list[EngineCount], from_ms: int, to_ms: int
) -> None:
    found = compared(counts, from_ms, to_ms)
    within = [count for count in counts if from_ms <= count.at_ms <= to_ms]
    assert all(count in within for count in found)
    if sum(count.is_calm for count in within) > 1:
        assert found[0].is_calm
        assert found[-1].is_calm
    else:
        assert list(found) == within


def test_too_much_and_too_little_do_not_cancel_out() -> None:
    calm = EngineCount(
        at_ms=0,
        boot=0,
        life=0,
        input_tokens=0,
        output_tokens=0,
        is_calm=True,
        open_input=0,
        open_output_most=0,
        sums=Sums(),
    )
    counts = [calm, replace(calm, at_ms=1, output_tokens=100)]
    counts.append(replace(calm, at_ms=2, output_tokens=200))
    uses = [LedgerUse(output_tokens=90), LedgerUse(output_tokens=110)]
    found = reconciled(zip(intervals(counts), uses, strict=True))
    assert found.engine[Side.OUTPUT] == found.ledger[Side.OUTPUT] == 200
    assert found.unexplained[Side.OUTPUT] == 20
    assert found.unexplained_ppm == 100_000
