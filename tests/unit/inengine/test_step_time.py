"""The engine's own account of its time: every step's time is its requests', to the microsecond."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.engines.step_time_file import StepTimeProblemError, read_step_time
from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.step_time import StepOwner, StepTime
from evenhand.inengine.step_time_file import gpu_time
from evenhand.model import ApplicationName

A = StepOwner(("acme", "search"), ApplicationName("chat"))
B = StepOwner(("globex",), ApplicationName("batch"))


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.us = 1_000

    def __call__(self) -> int:
        return self.us


def test_a_step_is_divided_by_tokens_and_what_lies_between_is_idle() -> None:
    clock = Hand()
    times = StepTime(clock)
    clock.us += 50  # idle
    times.begun({A: 30, B: 10})
    clock.us += 400
    times.begun({B: 5})  # scheduled ahead: it begins when the first is done
    clock.us += 400
    times.done()
    clock.us += 100
    times.done()
    clock.us += 7
    told = times.now()
    assert told.by_owner == {A: 600, B: 200 + 100}
    assert told.idle_us == 57


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10_000),
            st.sampled_from(["begun", "done", "now"]),
            st.dictionaries(st.sampled_from([A, B]), st.integers(0, 500)),
        )
    )
)
def test_no_time_is_lost_whatever_steps_there_are(
    moves: list[tuple[int, str, Mapping[StepOwner, int]]],
) -> None:
    clock = Hand()
    times = StepTime(clock)
    for us, move, tokens in moves:
        clock.us += us
        if move == "begun":
            times.begun(tokens)
        elif move == "done":
            times.done()
        told = times.now()
        assert told.idle_us + sum(told.by_owner.values()) == told.until_us - told.since_us
        assert (told.since_us, told.until_us) == (1_000, clock.us)


def test_the_file_says_what_was_counted_and_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "time.json"
    settings = InEngineSettings.of({"gpu_time_file": str(path)})
    kept = gpu_time(settings)
    assert kept is not None
    kept.times.begun({A: 1})
    kept.times.done()
    kept.close()
    told = read_step_time(path)
    assert [owner.tenant for owner in told.owners] in ([], [A.tenant])
    again = gpu_time(settings)
    assert again is not None
    again.close()
    assert read_step_time(path).run != told.run
    assert gpu_time(InEngineSettings()) is None


def test_a_folder_that_is_not_there_is_told_once_and_harms_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = gpu_time(InEngineSettings(gpu_time_file=str(tmp_path / "no" / "time.json")))
    assert kept is not None
    kept.close()
    kept.close()
    assert len([record for record in caplog.records if "gpu_time_file" in record.message]) == 1


def test_its_thread_ends_with_it(tmp_path: Path) -> None:
    kept = gpu_time(InEngineSettings(gpu_time_file=str(tmp_path / "time.json")))
    assert kept is not None
    thread = kept._thread
    assert thread.is_alive()
    del kept
    thread.join(20)
    assert not thread.is_alive()


WELL = {"run": "r", "since_us": 5, "until_us": 9, "idle_us": 1, "owners": [["a/b", "x", 3]]}


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps(WELL | {"idle_us": 2}).encode(),
        json.dumps(WELL | {"idle_us": -1}).encode(),
        json.dumps(WELL | {"idle_us": 1.0}).encode(),
        json.dumps(WELL | {"owners": [["a"]]}).encode(),
        json.dumps(WELL | {"owners": 7}).encode(),
    ],
)
def test_what_does_not_add_up_is_refused(tmp_path: Path, wrong: bytes) -> None:
    path = tmp_path / "time.json"
    path.write_text(json.dumps(WELL))
    assert read_step_time(path).owners[0].tenant == ("a", "b")
    path.write_bytes(wrong)
    with pytest.raises(StepTimeProblemError):
        read_step_time(path)
    path.unlink()
    with pytest.raises(StepTimeProblemError, match="cannot be read"):
        read_step_time(path)
