"""Formats are recognised, and dials of every trace do what they say."""

from collections import Counter
from pathlib import Path

import orjson
import pytest

from evenhand.workloads.readers import FORMATS, open_trace, trace_recipe


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Four hundred rows, a second apart, in a hundred sessions."""
    file = tmp_path / "trace.jsonl"
    rows = (
        {"timestamp": 1000 * n, "input_length": 10, "output_length": 5, "session": n % 100}
        for n in range(400)
    )
    file.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return file


def test_an_unknown_file_is_told_what_formats_there_are(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("when,who\n1,2\n")
    with pytest.raises(ValueError, match="no known format: its first row names when, who") as told:
        open_trace(file)
    assert "azure" in str(told.value)
    assert "format=NAME" in str(told.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n\n", "is empty"),
        ("a.csv", b"TIMESTAMP,ContextTokens,GeneratedTokens\n", "no row that can be read"),
        ("a.jsonl", b"{nonsense", "no known format"),
        ("a.gz", b"no gzip at all", "cannot be unpacked"),
        ("a.bin", bytes(range(256)), "no known format"),
    ],
)
def test_files_without_rows_are_refused(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        open_trace(file)


def test_a_missing_file_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be opened: No such file"):
        open_trace(tmp_path / "nowhere.csv")


def test_a_format_can_be_named(trace: Path) -> None:
    assert open_trace(trace, {"format": "jsonl"}).size == 400
    with pytest.raises(ValueError, match="names no ContextTokens"):
        open_trace(trace, {"format": "azure"})
    with pytest.raises(ValueError, match="must be one of auto, azure"):
        open_trace(trace, {"format": "word"})


def test_dials_that_are_not_there_are_refused(trace: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no dial tenant; its dials: format, requests"):
        open_trace(trace, {"tenant": 3})
    azure = tmp_path / "azure.csv"
    azure.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,1,1\n")
    with pytest.raises(ValueError, match="no dial closed_loop"):
        open_trace(azure, {"closed_loop": 1})


def test_only_the_first_rows(trace: Path) -> None:
    workload = open_trace(trace, {"requests": 7})
    assert workload.size == len(list(workload.asks)) == 7


def test_time_goes_faster_by_a_factor(trace: Path) -> None:
    asks = list(open_trace(trace, {"rate": 4.0}).asks)
    assert asks[-1].at_ms == 399_000 / 4


def test_sessions_are_spread_over_tenants(trace: Path) -> None:
    workload = open_trace(trace, {"tenants": 7})
    assert [share.name for share in workload.tenants] == [f"tenant-{n}" for n in range(1, 8)]
    owners: dict[int, set[str]] = {}
    for ask in workload.asks:
        owners.setdefault(ask.id % 100, set()).add(ask.tenant[0])
    assert all(len(names) == 1 for names in owners.values())
    assert len(set.union(*owners.values())) == 7


def test_the_seed_says_who_gets_which(trace: Path) -> None:
    def tenants(seed: int) -> list[str]:
        return [ask.tenant[0] for ask in open_trace(trace, {"tenants": 5}, seed=seed).asks]

    assert tenants(1) == tenants(1) != tenants(2)


def test_skew_gives_the_first_more(trace: Path) -> None:
    asks = open_trace(trace, {"tenants": 10, "skew": 2.0}).asks
    counts = Counter(ask.tenant[0] for ask in asks)
    assert counts["tenant-01"] > 0.45 * 400


def test_each_session_can_be_a_tenant(trace: Path) -> None:
    assert len(open_trace(trace, {"by": "session"}).tenants) == 100


def test_a_workload_can_be_iterated_again(trace: Path) -> None:
    workload = open_trace(trace)
    assert [a.at_ms for a in workload.asks] == [a.at_ms for a in workload.asks]


def test_a_recipe_says_what_the_file_is(trace: Path) -> None:
    recipe = trace_recipe(trace)
    assert recipe.name == "trace.jsonl"
    assert "Mooncake" in recipe.summary
    assert not recipe.is_synthetic


def test_the_page_names_every_format_and_dial(trace: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "traces.md").read_text()
    for form in FORMATS:
        assert f"| `{form.name}` |" in page
    for dial in trace_recipe(trace).dials:
        assert f"{dial.name}=" in page
