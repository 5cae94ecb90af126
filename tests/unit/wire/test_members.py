"""Bodies are edited as bytes and stay JSON-equal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.wire.members import DEPTH_COUNTED_FROM, scan

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(st.text(), json_values, max_size=6)


@given(objects, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_members_are_the_objects_own(document: dict, ascii_only: bool, indent) -> None:  # type: ignore[type-arg, no-untyped-def]
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode(
        "utf-8", "surrogatepass"
    )
    members = scan(body, json.loads(body))
    assert list(members.values) == list(document)
    for key, (start, end) in members.values.items():
        assert json.loads(body[start:end]) == document[key]


@given(objects, st.sets(st.text(), max_size=3), st.dictionaries(st.text(), json_values, max_size=3))
def test_rewriting_equals_editing_the_parsed_object(document: dict, drop: set, put: dict) -> None:  # type: ignore[type-arg]
    drop |= set(list(document)[:2])
    body = json.dumps(document).encode()
    members = scan(body, json.loads(body))
    added = b"".join(f",{json.dumps(k)}:{json.dumps(v)}".encode() for k, v in put.items())
    rewritten = members.rewritten(drop=drop | put.keys(), put=added)
    expected = {k: v for k, v in document.items() if k not in drop} | put
    assert json.loads(rewritten) == expected


def test_untouched_members_keep_their_bytes() -> None:
    body = b'{ "big": 123456789012345678901234567890, "f": 1.0e+2,\n"s":"\\u00e9" ,"user":"x"}'
    members = scan(body, json.loads(body))
    assert (
        members.rewritten(drop={"user"}, put=b"")
        == b'{ "big": 123456789012345678901234567890, "f": 1.0e+2,\n"s":"\\u00e9" }'
    )


def test_a_body_without_anything_to_change_is_passed_as_it_came() -> None:
    body = b'  {"a" : [1, {"user": "nested is not ours"}]}  '
    members = scan(body, json.loads(body))
    assert members.rewritten(drop={"user"}, put=b"") is body


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"a":1,"a":1}', "a"),
        (b'{"user":1,"us\\u0065r":2}', "user"),
        (b'{"model":"a","Model":"b"}', "Model"),
        (b'{"a":{"b":1,"b":2}}', None),
        (b'{"a":"\\"a\\":1","b":1}', None),
    ],
)
def test_a_repeated_top_level_key_is_found_in_any_spelling(body: bytes, key: str | None) -> None:
    members = scan(body, json.loads(body))
    assert members.repeated == key


def test_depth_counts_brackets_of_both_kinds() -> None:
    body = b'{"a":[[[[[[[{"b":"[[[["}]]]]]]]}'
    members = scan(body, json.loads(body))
    assert members.depth == 9


@pytest.mark.parametrize("levels", range(1, 20))
def test_members_are_found_however_deep_they_nest(levels: int) -> None:
    deep = b'{"x":[' * levels + b'"]}", 1' + b"]}" * levels
    body = b'{ "a" : ' + deep + b' ,"b":[] ,"c": "\\"", "d": null}'
    members = scan(body, json.loads(body))
    assert list(members.values) == list("abcd")
    for key, (start, end) in members.values.items():
        assert json.loads(body[start:end]) == json.loads(body)[key]
    assert members.depth == max(DEPTH_COUNTED_FROM, 1 + 2 * levels)


@pytest.mark.parametrize("filling", [b" ", b'"\\\\\\\\",', b'{"a":1},', b"1,", b'"",'])
def test_a_hostile_body_is_read_in_one_pass(filling: bytes) -> None:
    """What took a step back for each byte would not end before the test's timeout."""
    many = filling * 200_000
    deep = b"[" * 10 + b"]" * 10
    body = b'{"a":' + (many + deep if filling == b" " else b"[" + many + deep + b"]") + b"}"
    members = scan(body, json.loads(body))
    assert list(members.values) == ["a"]
    assert body[members.values["a"][0] :].startswith(b"[")


@given(st.lists(st.text(alphabet='\\"a{[,:', max_size=12), max_size=4))
def test_a_quote_ends_a_string_only_where_it_is_not_escaped(texts: list[str]) -> None:
    document = {text: [text, {text: text}] for text in texts}
    body = json.dumps(document).encode()
    members = scan(body, json.loads(body))
    assert list(members.values) == list(document)
    for key, (start, end) in members.values.items():
        assert json.loads(body[start:end]) == document[key]
