"""Ctrl-C ends `evenhand simulate` and every process of its crew, with the exit code that shells have."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LONG = ("--set", "programs=10000", "--set", "sequences_max=4")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_stopped_while_it_runs(processes: str, tmp_path: Path) -> None:
    """The progress bar on a terminal tells when it is under way."""
    file = tmp_path / "figures.json"
    words = ("simulate", "dlpm/tree", "--policy", "fcfs,vtc", "--engine", "h100-llama-3.1-8b")
    command = [sys.executable, "-m", "evenhand", *words, *LONG, "--processes", processes]
    ours, theirs = os.openpty()
    run = subprocess.Popen(
        [*command, "--json", str(file)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        _read_until(ours, rb"[1-9][0-9]*/4000000")  # of so many requests some are answered
        os.killpg(run.pid, signal.SIGINT)
        told = _read_until(ours, rb"Nothing was written\.")
        out, _ = run.communicate(timeout=30)
    finally:
        os.close(ours)
        run.kill()
    assert run.returncode == 130
    assert b"Traceback" not in told
    assert not out
    assert not file.exists()
    assert _is_over(run.pid)


def _is_over(group: int) -> bool:
    """Whether no process of it is left; the last may take a moment after the one that began it."""
    by = time.monotonic() + 20
    while time.monotonic() < by:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def _read_until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    while not re.search(wanted, seen):
        seen += os.read(terminal, 4096)
    return seen
