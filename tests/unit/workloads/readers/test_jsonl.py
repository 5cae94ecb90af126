"""Mooncake's JSON lines, and ours."""

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from evenhand.scheduling import Lane, TenantShare
from evenhand.workloads.ask import Ask
from evenhand.workloads.readers import open_trace
from support.shared_data import shared_file


def written(path: Path, *rows: dict[str, Any] | bytes) -> Path:
    lines = [row if isinstance(row, bytes) else orjson.dumps(row) for row in rows]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def row(at: float = 0, tokens: int = 100, output: int = 10, **more: Any) -> dict[str, Any]:
    return {"timestamp": at, "input_length": tokens, "output_length": output, **more}


def asks(path: Path, **dials: Any) -> list[Ask]:
    return list(open_trace(path, dials).asks)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trace.jsonl"


def test_rows_become_asks(file: Path) -> None:
    written(file, row(500, 100, 10), row(1500.5, 200, 20))
    workload = open_trace(file)
    first, second = workload.asks
    assert (first.at_ms, first.input_tokens, first.output_tokens) == (0, 100, 10)
    assert (second.at_ms, second.input_tokens, second.output_tokens) == (1000.5, 200, 20)
    assert workload.tenants == (TenantShare(name="default"),)
    assert not workload.is_synthetic
    assert (workload.size, workload.remarks) == (2, ())


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl.gz"
    file.write_bytes(gzip.compress(orjson.dumps(row())))
    assert len(asks(file)) == 1


def test_blocks_become_stretches_that_prompts_share(file: Path) -> None:
    written(
        file,
        row(0, 1200, hash_ids=[7, 8, 9]),
        row(1, 2048, hash_ids=[7, 8, 11, 12]),
        row(2, 1024, hash_ids=[7, 8]),
        row(3, 700, hash_ids=[7]),
        row(4, 600, hash_ids=[50, 51]),
        row(5, 600),
    )
    first, second, third, fourth, fifth, sixth = (ask.prompt for ask in asks(file))
    assert [tokens for _, tokens in first] == [1200]
    assert [tokens for _, tokens in second] == [1024, 1024]
    assert second[0].content == third[0].content == fourth[0].content == first[0].content
    assert second[1].content != first[0].content
    assert [tokens for _, tokens in third] == [1024]
    # The last block is not whole, and what no block covers is like nothing else.
    assert [tokens for _, tokens in fourth] == [512, 188]
    assert fifth[0].content not in {s.content for s in (*first, *second, *fourth)}
    assert sixth == ()


def test_members_of_ours_are_read(file: Path) -> None:
    written(
        file,
        row(tenant="acme/search", weight=3, app="copilot", lane="chat", interaction="i1"),
        row(tenant="acme/ads", weight=[2, 1], interaction="i1", call_index=1, calls_total=4),
        row(tenant="other"),
    )
    workload = open_trace(file)
    first, second, third = workload.asks
    assert (first.tenant, first.application, first.lane) == (("acme", "search"), "copilot", "chat")
    assert (second.interaction, second.call_index, second.calls_total) == ("i1", 1, 4)
    assert (third.application, third.lane, third.interaction) == ("default", "default", "")
    acme, other = workload.tenants
    assert (acme.name, acme.weight, other.weight) == ("acme", 2, 1)
    assert acme.children == (
        TenantShare(name="search", weight=3),
        TenantShare(name="ads", weight=1),
    )
    assert [lane.name for lane in workload.lanes] == ["chat", "default"]
    assert all(isinstance(lane, Lane) for lane in workload.lanes)


def test_a_row_waits_for_its_parents(file: Path) -> None:
    written(
        file,
        row(0, id="a"),
        row(10, id=2),
        row(20, parent=["a", 2]),
        row(30, parent="elsewhere"),
        row(15, id="late", parent=2),
        row(12, parent="late"),
    )
    workload = open_trace(file)
    first, second, third, fourth, late, early = sorted(workload.asks, key=lambda ask: ask.id)
    assert late.after == (1,)
    assert early.after == (), "it came before its parent"
    assert third.after == (0, 1)
    assert (first.is_awaited, second.is_awaited, third.is_awaited) == (True, True, False)
    assert fourth.after == ()
    assert workload.remarks[1].endswith("do not wait for it: 2.")
    assert not any(ask.after or ask.is_awaited for ask in asks(file, closed_loop=0))


def test_rows_out_of_order_are_sorted_and_it_is_said(file: Path) -> None:
    written(file, row(20, 1), row(10, 2), row(30, 3))
    workload = open_trace(file)
    assert [(ask.at_ms, ask.input_tokens) for ask in workload.asks] == [(0, 2), (10, 1), (20, 3)]
    assert workload.remarks == ("The rows were not in order of time; they were sorted.",)


def test_members_without_meaning_are_told(file: Path) -> None:
    written(file, row(priority=3), row(delay=1))
    assert open_trace(file).remarks == ("Members of rows that say nothing here: delay, priority.",)


BAD = {
    b"{": "not JSON",
    b"[1]": "not an object",
    b'{"input_length": 1, "output_length": 1}': "no timestamp",
    b'{"timestamp": null, "input_length": 1, "output_length": 1}': "timestamp is None",
    b'{"timestamp": true, "input_length": 1, "output_length": 1}': "timestamp is True",
    b'{"timestamp": 1e300, "input_length": 1, "output_length": 1}': "not a moment",
    b'{"timestamp": 0, "input_length": "9", "output_length": 1}': "input_length is '9'",
    b'{"timestamp": 0, "input_length": 0, "output_length": 1}': "input_length is 0",
    b'{"timestamp": 0, "input_length": 1.5, "output_length": 1}': "not a whole number",
    b'{"timestamp": 0, "input_length": 99999999999, "output_length": 1}': "number of tokens",
    orjson.dumps(row(output=-1)): "output_length is -1",
    orjson.dumps(row(hash_ids="x")): "not a list",
    orjson.dumps(row(hash_ids=[1.5])): "not whole numbers",
    orjson.dumps(row(hash_ids=[1 << 63])): "not whole numbers",
    orjson.dumps(row(hash_ids=[1, 2, 3])): "3 blocks of 512 tokens in 100 tokens",
    orjson.dumps(row(tenant="a//b")): "not a path",
    orjson.dumps(row(tenant=["a"])): "tenant is",
    orjson.dumps(row(tenant="good", weight=0)): "weight is 0",
    orjson.dumps(row(tenant="good", weight=2)): "weight of good is 2, and was 1 before",
    orjson.dumps(row(tenant="good/b")): "cannot be beneath it",
    orjson.dumps(row(tenant="org")): "has tenants beneath it",
    orjson.dumps(row(call_index=2, calls_total=2)): "call_index is 2 of 2",
    orjson.dumps(row(call_index=-1)): "call_index is -1",
    orjson.dumps(row(id="one")): "another row's",
    orjson.dumps(row(parent={})): "not an id",
}


@pytest.mark.parametrize("line", BAD, ids=list(BAD.values()))
def test_a_bad_row_is_refused_or_left_out_with_its_line_and_reason(file: Path, line: bytes) -> None:
    good = row(tenant="good", weight=1, id="one"), row(tenant="org/unit")
    written(file, *good, line, row(tenant="good"))
    with pytest.raises(ValueError, match="1 row cannot be read: line 3: ") as refused:
        open_trace(file)
    assert BAD[line] in str(refused.value)
    assert "skip_bad=1" in str(refused.value)
    workload = open_trace(file, {"skip_bad": 1})
    assert len(list(workload.asks)) == workload.size == 3
    assert any("Left out: line 3: " in remark for remark in workload.remarks)


def test_many_bad_rows_are_counted_and_the_first_are_named(file: Path) -> None:
    written(file, row(), *[b"nonsense"] * 1200)
    with pytest.raises(ValueError, match=r"1,200 rows cannot be read: line 2: .*; \.\.\."):
        open_trace(file)
    remarks = open_trace(file, {"skip_bad": 1}).remarks
    assert remarks[0] == "Rows that cannot be read and were left out: 1,200."
    assert remarks[-1] == "Left out: 200 more."


def test_a_file_cut_within_gzip_is_a_bad_row(tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl.gz"
    whole = b"\n".join(orjson.dumps(row(n * n, 1 + n * 7919 % 1009)) for n in range(5000))
    file.write_bytes(gzip.compress(whole)[:-4000])
    with pytest.raises(ValueError, match="cannot be unpacked from here on"):
        open_trace(file)
    assert 0 < open_trace(file, {"skip_bad": 1}).size < 5000


def test_mooncakes_conversations() -> None:
    """Counts and means of the release; 37.4 % of tokens are in an earlier prompt."""
    workload = open_trace(shared_file("mooncake_conversation.jsonl.gz"))
    longest: dict[int, int] = {}
    seen = asked = output = 0
    for ask in workload.asks:
        asked += ask.input_tokens
        output += ask.output_tokens
        for content, tokens in ask.prompt:
            known = longest.get(content, 0)
            seen += min(known, tokens)
            longest[content] = max(known, tokens)
            if known < tokens:
                break
    assert workload.size == 12_031
    assert asked / 12_031 == pytest.approx(12_035, rel=0.001)
    assert output / 12_031 == pytest.approx(343, rel=0.002)
    assert seen / asked == pytest.approx(0.374, abs=0.001)
