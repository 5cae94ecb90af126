"""Measured rows are read whole, or the bad one is named."""

import gzip
from pathlib import Path

import pytest

from evenhand.sim.golden.vtc_rows import read_runs

HEAD = "run,scheduler,suite,total_time_s,t_s,client,input_tokens,output_tokens,ttft_s,latency_s\n"
GOOD = "VTC/a,VTC,a,12.5,1.5,0,10,20,0.5,4.0\n"


def written(path: Path, text: str) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_runs_come_in_order_of_the_file_and_rows_in_order_of_time(
    tmp_path: Path, name: str
) -> None:
    early = GOOD.replace("1.5,0", "0.5,1").replace("0.5,4.0", "-1,-1")
    file = written(tmp_path / name, HEAD + GOOD + GOOD.replace("VTC/a", "FCFS/a") + early)
    runs = read_runs(file)
    assert [run.name for run in runs] == ["VTC/a", "FCFS/a"]
    assert runs[0].t_s == [0.5, 1.5]
    assert runs[0].total_time_s == 12.5
    assert runs[0].sent.client == ["1", "0"]
    columns = runs[0].columns()
    assert columns.client == ["0"]  # the other was refused
    assert columns.ended_s == [5.5]
    assert columns.tokens == 30


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + GOOD + GOOD.replace(",10,", ",ten,"), "line 3: .*'ten'"),
        (HEAD + GOOD.replace(",10,", ",0,"), "line 2: lengths are at least 1"),
        (HEAD + "VTC/a,VTC,a,12.5,1.5,0\n", "line 2"),
        (HEAD.replace("t_s,client", "t,client") + GOOD, "has no column t_s"),
        ("", "has no column run"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_what_it_needs(
    tmp_path: Path, text: str, says: str
) -> None:
    file = written(tmp_path / "rows.csv", text)
    with pytest.raises(ValueError, match=says) as found:
        read_runs(file)
    assert "output_tokens" in str(found.value)
