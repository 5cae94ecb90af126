"""Stand-ins share what the texts share, in whole blocks, and tell nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from evenhand.stores.event_log.stand_ins import BLOCK_BYTES, StandIns

STAND_INS = StandIns()
TEXTS = st.lists(st.sampled_from([b"a" * 64, b"b" * 64, b"c" * 30, b"d" * 7]), max_size=8).map(
    b"".join
)


def shared(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


@given(one=TEXTS, other=TEXTS)
def test_they_share_as_many_whole_blocks(one: bytes, other: bytes) -> None:
    stand_in, another = STAND_INS.of(one), STAND_INS.of(other)
    assert len(stand_in) == len(one)
    if one == other:
        assert stand_in == another
        return
    # By accident two hashes may begin alike, for a byte or two.
    blocks = shared(one, other) // BLOCK_BYTES
    assert blocks * BLOCK_BYTES <= shared(stand_in, another) < blocks * BLOCK_BYTES + 8


@given(text=TEXTS, more=TEXTS)
def test_what_was_evicted_begins_what_continues_it(text: bytes, more: bytes) -> None:
    assert STAND_INS.of(text + more).startswith(STAND_INS.of_whole_blocks(text))


def test_another_log_has_others() -> None:
    text = b"the same text in two logs, long enough not to be alike by accident"
    assert StandIns().of(text) != StandIns().of(text)


def test_nothing_of_a_block_is_seen_before_its_end() -> None:
    one = STAND_INS.of(b"x" * 63 + b"1")
    other = STAND_INS.of(b"x" * 63 + b"2")
    assert shared(one, other) < 8
