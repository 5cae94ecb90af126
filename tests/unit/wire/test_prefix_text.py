"""What two bodies share at their beginnings is what an engine's cache could share."""

import orjson

from evenhand.locality import common_length
from evenhand.model import ModelName
from evenhand.wire.members import scan
from evenhand.wire.prefix_text import PREFIX_BYTES_MAX, prefix_text

M = ModelName("m")
SYSTEM = {"role": "system", "content": "You are the helpful assistant of a long manual."}


def text_of(model: ModelName = M, **body: object) -> bytes:
    raw = orjson.dumps(body)
    return prefix_text(model, scan(raw, orjson.loads(raw)))


def shared(one: bytes, other: bytes) -> bytes:
    return one[: common_length(one, other)]


def test_a_longer_conversation_begins_as_the_shorter_one() -> None:
    first = [SYSTEM, {"role": "user", "content": "one"}]
    more = [*first, {"role": "assistant", "content": "two"}, {"role": "user", "content": "three"}]
    short, long = text_of(messages=first), text_of(temperature=0.3, messages=more)
    assert shared(short, long) == short[:-1], "all but the closing bracket"


def test_tools_come_first_wherever_the_client_has_put_them() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    one = text_of(messages=[SYSTEM], tools=tools)
    other = text_of(tools=tools, messages=[SYSTEM])
    assert one == other
    assert one.index(b"function") < one.index(b"manual")


def test_models_share_nothing() -> None:
    one, other = text_of(prompt="same"), text_of(ModelName("n"), prompt="same")
    assert shared(one, other) == b""


def test_what_is_no_prompt_does_not_count() -> None:
    assert text_of(prompt="a", temperature=1) == text_of(prompt="a", max_tokens=9, user="u")


def test_it_is_bounded() -> None:
    assert len(text_of(prompt="x" * (2 * PREFIX_BYTES_MAX))) == PREFIX_BYTES_MAX
