"""Whatever stands in a file, each of its rows is read or told of."""

import itertools
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.workloads.readers import open_trace

_text = st.text(alphabet="ab/. -1e\u2028é", max_size=5)
_JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.integers(-2, 600),
    st.floats(),
    _text,
    st.sampled_from(
        ["a", "a/b", "a/", "1", "12.0", "nan", "inf", "1e999", "-1", "2023-11-16 18:17:03"]
    ),
    st.lists(st.integers(-5, 5) | st.none(), max_size=3),
    st.dictionaries(_text, st.integers(), max_size=2),
)
_OURS = (
    *("timestamp", "input_length", "output_length", "hash_ids", "tenant", "weight", "app"),
    *("session", "interaction", "call_index", "calls_total", "lane", "id", "parent"),
)
_BAILIAN = ("chat_id", "parent_chat_id", "timestamp", "input_length", "output_length", "hash_ids")
_HEADERS = {
    "azure": "TIMESTAMP,ContextTokens,GeneratedTokens",
    "burstgpt": "Timestamp,Session ID,Model,Request tokens,Response tokens,Log Type",
    "vtc": "t_s,client,input_tokens,output_tokens",
}


def read(form: str, lines: Sequence[bytes]) -> None:
    """Counts add up, whatever was read."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace"
        file.write_bytes(b"\n".join(lines) + b"\n")
        try:
            workload = open_trace(file, {"format": form, "skip_bad": 1})
        except ValueError as error:
            if "no row that can be read" in str(error):
                return
            raise
        asks = list(workload.asks)
    left_out = sum(remark.startswith("Left out: line") for remark in workload.remarks)
    assert len(asks) == workload.size
    assert len(asks) + left_out == len(lines) - (form in _HEADERS)
    assert all(one.at_ms <= other.at_ms for one, other in itertools.pairwise(asks))


@pytest.mark.parametrize(("form", "names"), [("jsonl", _OURS), ("bailian", _BAILIAN)])
@given(data=st.data())
def test_json(form: str, names: tuple[str, ...], data: st.DataObject) -> None:
    good = {"timestamp": 0, "input_length": 600, "output_length": 1}
    changes = st.dictionaries(st.sampled_from(names), _JUNK, max_size=4)
    rows = data.draw(st.lists(changes, min_size=1, max_size=5))
    lines = [
        json.dumps(good | ({"chat_id": n} if form == "bailian" else {}) | row).encode()
        for n, row in enumerate(rows)
    ]
    read(form, lines)


@pytest.mark.parametrize("form", _HEADERS)
@given(data=st.data())
def test_csv(form: str, data: st.DataObject) -> None:
    header = _HEADERS[form]
    width = header.count(",") + 1
    column = _JUNK.map(str).filter(lambda text: not {*'\r\n",'} & {*text} and text.isprintable())
    row = st.lists(column, min_size=width, max_size=width).filter(any)
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    read(form, [header.encode(), *(",".join(row).encode() for row in rows)])
