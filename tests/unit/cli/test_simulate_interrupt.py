"""Ctrl-C ends `evenhand simulate` and every process of its crew, with the exit code that shells have."""

import os
import signal
import subprocess
import sys
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
        _read_until(ours, b"/4000000")  # both policies of so many requests
        os.killpg(run.pid, signal.SIGINT)
        told = _read_until(ours, b"Nothing was written.")
        out, _ = run.communicate(timeout=30)
    finally:
        os.close(ours)
        run.kill()
    assert run.returncode == 130
    assert b"Traceback" not in told
    assert not out
    assert not file.exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(run.pid, 0)


def _read_until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        seen += os.read(terminal, 4096)
    return seen
