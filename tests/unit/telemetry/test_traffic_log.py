"""The gateway's traffic as a trace: lengths, and hashes that tell what prompts share."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from evenhand.model import (
    ApplicationName,
    InteractionId,
    LaneName,
    Outcome,
    RequestId,
    TenantPath,
    TrustDomain,
)
from evenhand.telemetry import RequestRecord, RollingFile, TrafficLog
from evenhand.telemetry.prefix_hashes import PrefixHashes
from evenhand.telemetry.traffic_log import BEGINNING

ACME = ("acme", "search")


def record(
    *,
    tenant: TenantPath | None = ACME,
    input_tokens: int = 1200,
    output_tokens: int = 7,
    duration_ms: float = 500.0,
    interaction: str = "secret-name",
) -> RequestRecord:
    return {
        "request_id": RequestId("req_1"),
        "interaction": InteractionId(interaction),
        "path": "/v1/chat/completions",
        "tenant": tenant,
        "application": ApplicationName("copilot"),
        "lane": LaneName("chat"),
        "model": None,
        "engine": None,
        "outcome": Outcome.COMPLETED,
        "status": 200,
        "is_stream": False,
        "queue_wait_ms": None,
        "ttft_ms": None,
        "duration_ms": duration_ms,
        "input_tokens": input_tokens,
        "cached_input_tokens": 0,
        "output_tokens": output_tokens,
        "reasoning_tokens": 0,
        "usage_is_estimate": False,
        "units": 0,
        "dispatches": 1,
        "bytes_in": 0,
        "is_over_budget": False,
    }


class Written:
    """A log in a folder; `rows` closes it and reads them."""

    def __init__(self, folder: Path, *, buffer_bytes_max: int = 1 << 20) -> None:
        self.file = folder / "traffic.jsonl"
        self.log = TrafficLog(
            RollingFile(self.file, bytes_max=1 << 20, beginning=BEGINNING),
            weights={ACME: (2, 3), ("solo",): (5,)},
            block_bytes=100,
            start_s=10.0,
            buffer_bytes_max=buffer_bytes_max,
        )

    def add(
        self,
        row: RequestRecord | None = None,
        *,
        end_s: float = 12.0,
        prompt: bytes = b"",
        domain: str = "default",
        is_of_interaction: bool = False,
        calls_declared: int | None = None,
    ) -> None:
        self.log.ended(
            row or record(),
            end_s=end_s,
            prompt=prompt,
            trust_domain=TrustDomain(domain),
            is_of_interaction=is_of_interaction,
            calls_declared=calls_declared,
        )

    def rows(self) -> list[dict[str, Any]]:
        assert self.log.close(wait_ms=10_000)
        return [json.loads(line) for line in self.file.read_bytes().splitlines()]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def test_a_line_has_moment_lengths_and_whose_it_was(written: Written) -> None:
    written.add(prompt=b"x" * 50)
    written.add(record(tenant=("solo",)))
    first, second = written.rows()
    assert first == {
        "timestamp": 1500,
        "input_length": 1200,
        "output_length": 7,
        "tenant": "acme/search",
        "app": "copilot",
        "lane": "chat",
        "weight": [2, 3],
        "hash_ids": [],
    }
    assert second["weight"] == 5


def test_hashes_tell_how_far_prompts_are_alike(written: Written) -> None:
    for prompt in (b"a" * 250, b"a" * 200 + b"b" * 99, b"a" * 100 + b"b" * 100, b"b" + b"a" * 249):
        written.add(prompt=prompt)
    written.add(prompt=b"a" * 250, domain="another")
    written.add(record(input_tokens=600), prompt=b"a" * 250)
    one, same, half, other, elsewhere, short = (row["hash_ids"] for row in written.rows())
    assert len(one) == 2
    assert same == one
    assert (half[0], half[1] == one[1]) == (one[0], False)
    assert not {*other} & {*one}
    assert not {*elsewhere} & {*one}
    assert short == one[:1], "no more blocks than 600 tokens fill"


def test_another_process_has_other_hashes() -> None:
    one, other = PrefixHashes(64), PrefixHashes(64)
    text = b"the same text" * 10
    assert one.names("d", text, 5000) == one.names("d", text, 5000)
    assert not {*one.names("d", text, 5000)} & {*other.names("d", text, 5000)}
    assert one.name("acme", "x") != other.name("acme", "x")
    assert one.name("ab", "c") != one.name("a", "bc")


def test_calls_of_an_interaction_are_counted_and_its_name_is_not_told(written: Written) -> None:
    for _ in range(3):
        written.add(is_of_interaction=True, calls_declared=2)
    written.add(record(interaction="another"), is_of_interaction=True)
    written.add(record(tenant=("solo",)), is_of_interaction=True)
    *same, another, solo = written.rows()
    assert [(row["call_index"], row["calls_total"]) for row in same] == [(0, 2), (1, 2), (2, 3)]
    assert len({row["interaction"] for row in same}) == 1
    assert len({row["interaction"] for row in (same[0], another, solo)}) == 3
    assert b"secret-name" not in written.file.read_bytes()


@pytest.mark.parametrize(
    "row", [record(tenant=None), record(output_tokens=0), record(input_tokens=0)]
)
def test_what_had_no_answer_has_no_line(written: Written, row: RequestRecord) -> None:
    written.add(row)
    assert written.rows() == []
    assert written.log.dropped_lines == 0


def test_what_does_not_fit_the_buffer_is_dropped_and_counted(tmp_path: Path) -> None:
    written = Written(tmp_path, buffer_bytes_max=1000)
    written.add(prompt=b"x" * 2000)
    written.add()
    assert len(written.rows()) == 1
    assert written.log.dropped_lines == 1


def test_only_its_owner_reads_it(written: Written) -> None:
    assert written.file.stat().st_mode & 0o777 == 0o600
    written.rows()


class TestRollingFile:
    def made(self, folder: Path, bytes_max: int = 100) -> RollingFile:
        return RollingFile(folder / "log", bytes_max=bytes_max, beginning=b"line")

    def test_a_full_file_is_set_aside_and_there_are_two_at_most(self, tmp_path: Path) -> None:
        file = self.made(tmp_path)
        for number in range(10):
            file.write(b"line %d, thirty bytes long....\n" % number)
        file.close()
        assert sorted(f.name for f in tmp_path.iterdir()) == ["log", "log.1"]
        assert (tmp_path / "log").read_bytes().count(b"\n") == 1
        assert (tmp_path / "log.1").read_bytes().startswith(b"line 6")

    def test_a_new_start_sets_aside_what_is_there(self, tmp_path: Path) -> None:
        for number in range(3):
            file = self.made(tmp_path)
            file.write(b"line %d\n" % number)
            file.close()
        assert (tmp_path / "log").read_bytes() == b"line 2\n"
        assert (tmp_path / "log.1").read_bytes() == b"line 1\n"

    def test_something_else_stays_where_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_text("listen: 127.0.0.1\n")
        with pytest.raises(FileExistsError, match="something else is there"):
            self.made(tmp_path)
        (tmp_path / "log").unlink()
        (tmp_path / "log").mkdir()
        with pytest.raises(FileExistsError):
            self.made(tmp_path)

    def test_after_a_torn_write_a_new_line_begins(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file, write = self.made(tmp_path), os.write
        answers: list[int | None] = [4, None]

        def failing(fd: int, data: bytes) -> int:
            answer = answers.pop(0) if answers else len(data)
            if answer is None:
                raise OSError(28, "No space left on device")
            return write(fd, data[:answer])

        monkeypatch.setattr(os, "write", failing)
        with pytest.raises(OSError, match="No space"):
            file.write(b"line 1\n")
        file.write(b"line 2\n")
        file.close()
        assert (tmp_path / "log").read_bytes() == b"line\nline 2\n"
