"""Azure's traces."""

from pathlib import Path

import pytest

from evenhand.workloads.readers import open_trace
from support.shared_data import shared_file

_HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "azure.csv"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2023-11-16 18:17:03.9799600", "2023-11-16 18:17:05.4799600"),
        ("2024-05-10 23:59:59.5+00:00", "2024-05-11 00:00:01+00:00"),
    ],
)
def test_both_years_are_read(file: Path, first: str, second: str) -> None:
    file.write_text(f"{_HEADER}{first},4808,10\n{second},3180,8\n")
    one, other = open_trace(file).asks
    assert (one.at_ms, one.input_tokens, one.output_tokens) == (0, 4808, 10)
    assert (other.at_ms, other.input_tokens, other.output_tokens) == (1500, 3180, 8)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("yesterday,1,1", "TIMESTAMP is 'yesterday'"),
        ("2023-11-16 18:17:04+00:00,1,1", "TIMESTAMP is"),
        ("2023-11-16 18:17:04,0,1", "ContextTokens is 0"),
        ("2023-11-16 18:17:04,1,", "GeneratedTokens is ''"),
        ("2023-11-16 18:17:04,nan,1", "ContextTokens is 'nan'"),
        ("2023-11-16 18:17:04,1e400,1", "ContextTokens is '1e400'"),
        ("2023-11-16 18:17:04,1", "2 columns, not 3"),
        ('2023-11-16 18:17:04,1,"1"x', "expected"),
    ],
)
def test_bad_rows_are_told(file: Path, line: str, words: str) -> None:
    good = "2023-11-16 18:17:03,1,1"
    file.write_text(f"{_HEADER}{good}\n{line}\n{good}\n")
    with pytest.raises(ValueError, match=f"line 3: .*{words}"):
        open_trace(file)
    assert open_trace(file, {"skip_bad": 1}).size == 2


@pytest.mark.parametrize(
    ("name", "rows", "inputs", "outputs"),
    [("code", 8_819, 2_048, 28), ("conv", 19_366, 1_155, 211)],
)
def test_the_hour_of_2023(name: str, rows: int, inputs: float, outputs: float) -> None:
    asks = list(open_trace(shared_file(f"azure_llm_2023_{name}.csv")).asks)
    assert len(asks) == rows
    assert sum(ask.input_tokens for ask in asks) / rows == pytest.approx(inputs, rel=0.001)
    assert sum(ask.output_tokens for ask in asks) / rows == pytest.approx(outputs, rel=0.005)
    assert 57 < asks[-1].at_ms / 60_000 < 59
