"""Events of blocks: both forms, what a block's prompt was, how much is held, what is no event."""

import sys
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from evenhand.engines.kv_events import KvEndpoints, KvEventsError, KvEventsWatch
from evenhand.engines.kv_events.events import MalformedError, read_batch
from evenhand.engines.kv_events.follower import BlockFollower
from evenhand.engines.kv_events.numbering import Numbering, Place
from evenhand.engines.kv_events.packed_tokens import packed
from support.kv_events import Heard, batch, cleared, removed, stored

FORMS = ("map", "array")
VOCABULARY = 100


def followed(*events: Any, vocabulary: int | None = VOCABULARY, is_empty: bool = True) -> Heard:
    heard = Heard()
    follower = BlockFollower(heard, vocabulary=vocabulary)
    follower.begin(is_empty=is_empty)
    for event in events:
        follower.take(read_batch(batch(event)))
    return heard


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("hashes", [[11, 12, 13, 14], [b"a", b"b", b"c", b"d"]])
def test_a_block_is_told_with_its_prompt_from_the_beginning(form: str, hashes: list[Any]) -> None:
    one, two, three, four = hashes
    heard = followed(
        stored([one, two], [1, 2, 3, 4], form=form),
        stored([three], [5, 6], parent=two, form=form),
        stored([four], [7, 8], parent=one, form=form),
        removed([two], form=form),
    )
    assert [tokens for tokens, _ in heard.stored] == [
        packed([1, 2, 3, 4]),
        packed([1, 2, 3, 4, 5, 6]),
        packed([1, 2, 7, 8]),
    ]
    assert heard.removed == [(packed([1, 2, 3, 4]), None)]
    assert heard.held == [6]


def test_of_blocks_that_go_together_the_shortest_prompt_says_it_all() -> None:
    heard = followed(stored([1, 2, 3], [1, 2, 3, 4, 5, 6]), removed([3, 2]))
    assert heard.removed == [(packed([1, 2, 3, 4]), None)]


def test_a_salt_is_that_of_the_first_block() -> None:
    heard = followed(stored([1], [1, 2], salt="house"), stored([2], [3, 4], parent=1), removed([2]))
    assert [salt for _, salt in heard.stored + heard.removed] == ["house"] * 3


@pytest.mark.parametrize("form", FORMS)
def test_without_a_vocabulary_only_how_much_is_held_is_told(form: str) -> None:
    heard = followed(
        stored([1, 2], [1, 2, 900, 4], form=form), removed([1], form=form), vocabulary=None
    )
    assert (heard.stored, heard.removed, heard.held) == ([], [], [2])


def test_how_much_is_held_is_only_told_where_all_is_known() -> None:
    assert followed(stored([1, 2], [1, 2, 3, 4]), removed([1]), is_empty=False).held == []
    events = (stored([1, 2], [1, 2, 3, 4]), cleared(), stored([3, 4], [1, 2, 3, 4]), removed([4]))
    heard = followed(*events, is_empty=False)
    assert heard.held == [2]
    assert heard.cleared == ["cleared its cache"]


def test_it_is_told_again_when_it_grows() -> None:
    heard = followed(stored([1, 2], [1, 2, 3, 4]), removed([2]), stored([3], [9, 9]))
    assert heard.held == [2, 4]


def test_what_follows_an_unknown_block_is_counted_and_not_told() -> None:
    heard = followed(stored([2], [3, 4], parent=1), stored([3], [5, 6], parent=2), removed([2]))
    assert (heard.stored, heard.removed, heard.held) == ([], [], [2])


def test_tokens_of_another_model_are_said_once_and_no_prompt_after_them() -> None:
    heard = followed(stored([1], [1, 100]), stored([2], [1, 2]), removed([2]))
    assert heard.events == [("other_model", {"vocabulary": VOCABULARY})]
    assert (heard.stored, heard.removed) == ([], [])
    assert heard.held == [2]


@pytest.mark.parametrize(
    "more",
    [
        {"lora_id": 3},
        {"lora_name": "style"},
        {"medium": "CPU"},
        {"group_idx": 1},
        {"locality": "REMOTE"},
    ],
)
def test_adapters_other_memories_and_further_groups_are_left_out(more: dict[str, Any]) -> None:
    heard = followed(stored([1], [1, 2], **more))
    assert heard.stored == []
    gone = {key: value for key, value in more.items() if key in {"medium", "group_idx"}}
    if gone:
        heard = followed(stored([1], [1, 2]), removed([1], **gone))
        assert (heard.removed, heard.held) == ([], [])


def test_too_many_blocks_are_followed_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evenhand.engines.kv_events.follower.BLOCKS_MAX", 2)
    heard = Heard()
    follower = BlockFollower(heard, vocabulary=VOCABULARY)
    follower.begin(is_empty=True)
    for number in range(5):
        follower.take(read_batch(batch(stored([number], [number, number]))))
    assert follower.blocks == 0
    assert heard.events == [("too_many_blocks", {"blocks_max": 2})]


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        [],
        [1.0],
        [1.0, {}],
        [1.0, [7]],
        batch([]),
        batch([3]),
        batch({"type": "BlockStored"}),
        batch(stored([1.5], [1, 2])),
        batch(stored([True], [1, 2])),
        batch(stored([1], [1])),
        batch(stored([1], [-1, 2])),
        batch(stored([1], [2**32, 2])),
        batch(stored([1], ["1", "2"])),  # type: ignore[list-item]
        batch(stored([1], [1, 2], block=0)),
        batch(stored([1], [], block=10**9)),
        batch(stored([1], [1, 2], parent=1.5)),
        batch(removed("x")),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_batch_of_events_is_said(document: object) -> None:
    with pytest.raises(MalformedError, match=r" (is|are) "):
        read_batch(document)


def test_events_that_nobody_knows_and_new_fields_are_left_alone() -> None:
    document = batch({"type": "BlockPinned", "why": 1}, ["NewThing", 3], stored([1], [1, 2], new=1))
    assert len(read_batch(document)) == 1


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "block_hashes", "token_ids", "block_size", "extra_keys"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(document=st.tuples(st.floats(), st.lists(json_like, max_size=3)).map(list) | json_like)
def test_whatever_comes_it_is_read_or_said_to_be_malformed(document: object) -> None:
    follower = BlockFollower(Heard(), vocabulary=VOCABULARY)
    try:
        events = read_batch(document)
    except MalformedError:
        return
    follower.take(events)


def test_what_a_number_says() -> None:
    numbers = Numbering()
    assert numbers.heard(0) is Place.NEXT
    numbers.took(0)
    assert numbers.heard(2) is Place.GAP
    assert numbers.asked(1) is Place.NEXT
    numbers.took(1)
    numbers.took(2)
    assert numbers.asked(2) is Place.KNOWN
    assert numbers.heard(3) is Place.NEXT
    assert numbers.heard(0) is Place.ANEW
    assert numbers.heard(3) is Place.ANEW


@pytest.mark.parametrize("package", ["zmq", "msgspec"])
def test_without_the_packages_it_says_what_to_install(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "zmq.asyncio", raising=False)
    with pytest.raises(KvEventsError, match=r"evenhand\[kv-events\]"):
        KvEventsWatch(KvEndpoints(events="tcp://127.0.0.1:1"), Heard(), vocabulary=None)
