"""What is no sound log is refused, with the line and what is wrong there; what differs is shown."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evenhand.scheduling import PRESETS, Policy, SchedulerSettings, TenantShare, compose
from evenhand.scheduling.parts import Part
from evenhand.scheduling.prediction.nothing import NoPrediction
from evenhand.stores.event_log import EventLog, EventLogError, replay_file
from support.recorded_run import drive

TENANTS = (TenantShare(name="a"), TenantShare(name="b", weight=3))


def a_log(path: Path, policy: Policy = PRESETS["vtc"], steps: int = 100) -> list[Any]:
    with EventLog(path, host="a test") as log:
        drive(log.scheduler(SchedulerSettings(tenants=TENANTS, policy=policy)), seed=1, steps=steps)
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in text.splitlines()]


def write(path: Path, lines: list[Any]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def changed(path: Path, change: Callable[[list[Any]], None]) -> None:
    lines = a_log(path)
    change(lines)
    write(path, lines)


def put(number: int, line: Any) -> Callable[[list[Any]], None]:
    return lambda lines: lines.__setitem__(number - 1, line)


def header(**members: Any) -> Callable[[list[Any]], None]:
    return lambda lines: lines[0].update(members)


FAULTS: dict[str, tuple[Callable[[list[Any]], None], str]] = {
    "a newer form": (header(evenhand_events=2), "form 2.* reads form 1"),
    "no settings": (header(settings={}), "line 1: the settings make no sense: KeyError"),
    "a policy from nowhere": (
        lambda lines: lines[0]["settings"]["policy"].update(order="mine"),
        "line 1: the policy vtc was recorded with the order mine, which is not here: install",
    ),
    "a dial out of range": (
        lambda lines: lines[0]["settings"]["policy"]["values"].update(nothing=1),
        "line 1: the settings make no sense",
    ),
    "a setting too many": (
        lambda lines: lines[0]["settings"]["limits"].update(nothing=1),
        "line 1: the settings make no sense",
    ),
    "no call": (put(5, "next"), "line 5: this is no call"),
    "an empty call": (put(5, []), "line 5: this is no call"),
    "an unknown call": (put(5, ["forget", 1, None]), "line 5: there is no call forget"),
    "a private call": (put(5, ["_wait", 1, None]), "line 5: there is no call _wait"),
    "an argument too few": (
        put(5, ["cancel", "r1", None]),
        "line 5: cancel takes request_id, now_ms",
    ),
    "a request of no tenant": (
        put(5, ["submit", {"id": "r", "model": "m"}, 0, None]),
        "line 5: KeyError: 'tenant'",
    ),
    "a prefix that is none": (
        put(5, ["evicted", "e1", "!", "", None]),
        "line 5: ",
    ),
    "an outcome from nowhere": (
        put(5, ["settle", "r", [0, 0, 0, False], "lost", 0, None]),
        "line 5: 'lost' is not a valid Outcome",
    ),
    "calls that are gone": (lambda lines: lines.pop(-2), r"line \d+: says \d+ calls, read \d+"),
    "more after the end": (
        lambda lines: lines.append(["next", 1, None]),
        "the log has ended on the line before",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_log_is_refused_with_what_is_wrong(tmp_path: Path, fault: str) -> None:
    change, message = FAULTS[fault]
    path = tmp_path / "log.jsonl"
    changed(path, change)
    with pytest.raises(EventLogError, match=message):
        replay_file(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"tenant,tokens\na,1\n", "is no event log: line 1 is no JSON"),
        (b'{"id": 1}\n', "does not say evenhand_events"),
        (b"[1]\n", "does not say evenhand_events"),
        (b"\x1f\x8bnot really", "line 1: the compressed file is damaged"),
        (b"\x00" * 1000, "is no event log: line 1 is no JSON"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(content)
    with pytest.raises(EventLogError, match=message):
        replay_file(path)


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EventLogError, match="cannot be read: No such file"):
        replay_file(tmp_path / "none")
    with pytest.raises(EventLogError, match="cannot be read: Is a directory"):
        replay_file(tmp_path)


def test_a_flipped_bit_of_a_compressed_log_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    a_log(path, steps=3_000)
    sound = path.read_bytes()
    for place in range(100, len(sound), len(sound) // 20):
        broken = bytearray(sound)
        broken[place] ^= 4
        path.write_bytes(broken)
        try:
            assert replay_file(path).difference is not None
        except EventLogError:
            continue


@pytest.mark.parametrize("name", ["log.jsonl", "log.gz"])
def test_a_log_that_stops_in_the_middle_is_replayed_so_far(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    lines = a_log(path, steps=3_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    replayed = replay_file(path)
    assert replayed.ended is None
    assert replayed.difference is None
    assert 0 < replayed.calls < len(lines) - 2


def test_the_first_difference_is_shown_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines = a_log(path)
    place = next(n for n, line in enumerate(lines[1:-1], 1) if line[0] == "settle")
    *call, answer = lines[place]
    lines[place] = [*call, [*answer[:3], answer[3] + 1, answer[4]]]
    write(path, lines)
    replayed = replay_file(path)
    assert replayed.difference is not None
    assert replayed.difference.line == place + 1
    assert json.loads(replayed.difference.call) == call
    assert json.loads(replayed.difference.now) == answer
    assert replayed.calls == place - 1


def test_what_the_core_cannot_do_is_a_difference(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    changed(path, put(5, ["cancel", "nobody", 10, None]))
    difference = replay_file(path).difference
    assert difference is not None
    assert (difference.line, difference.now) == (5, "fails: KeyError: 'nobody'")


def test_another_policy_decides_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines = a_log(path, steps=1_000)
    lines[0]["settings"]["policy"]["order"] = "anyone"
    write(path, lines)
    assert replay_file(path).difference is not None


def test_parts_of_others_are_found_by_the_name_of_their_policy(tmp_path: Path) -> None:
    mine = Part(name="mine", summary="nothing", build=lambda *_: NoPrediction())
    policy = compose("vtc").swapped(prediction=mine)
    path = tmp_path / "log.jsonl"
    a_log(path, policy)
    with pytest.raises(EventLogError, match="the prediction mine, which is not here"):
        replay_file(path)
    assert replay_file(path, lambda _: policy).difference is None
