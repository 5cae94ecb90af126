"""The files in `deploy/` say what we say elsewhere, and what they call works."""

import asyncio
import re
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from evenhand.cli.config import Limits
from evenhand.gateway.server import _LAST_WORDS_MS
from evenhand.gateway.tls import TlsFiles
from support.on_loop import run_on_loop
from support.serve import configuration, serving, url_engine

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "evenhand.service"
CONTAINERFILE = ROOT / "deploy" / "Containerfile"
LIVEZ = ROOT / "deploy" / "livez.py"
analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def systemd_analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it on the unit, with a command that is there on this machine."""
    unit = folder / "evenhand.service"
    unit.write_text(UNIT.read_text().replace("/opt/evenhand/bin/evenhand", sys.executable))
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments, str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )


@analyze
def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    done = systemd_analyze(tmp_path, "verify", "--man=no")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@analyze
def test_the_unit_exposes_little(tmp_path: Path) -> None:
    done = systemd_analyze(tmp_path, "security", "--offline=true", "--threshold=20")
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze rates no files")
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr


def settings() -> dict[str, str]:
    lines = UNIT.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match("[A-Z]", line))


def test_systemd_waits_longer_than_the_drain() -> None:
    drain_s = Limits().drain_s + _LAST_WORDS_MS / 1000
    assert int(settings()["TimeoutStopSec"]) > drain_s + 5
    assert settings()["KillMode"] == "mixed", "the embedded engine must outlive the requests on it"


def test_systemd_allows_the_sockets_that_the_limits_allow() -> None:
    assert int(settings()["LimitNOFILE"]) > 4 * Limits().connections_max


def instructions() -> list[str]:
    text = CONTAINERFILE.read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_runs_as_nobody_special_and_ends_in_order() -> None:
    begins = [i for i, line in enumerate(instructions()) if line.startswith("FROM")]
    last = instructions()[begins[-1] :]
    assert "USER 10001:10001" in last
    assert "STOPSIGNAL SIGTERM" in last
    assert 'ENTRYPOINT ["/opt/evenhand/bin/evenhand"]' in last
    assert not [line for line in last if "pip install" in line]


def test_what_the_image_copies_is_let_through_to_the_build() -> None:
    ignore = ROOT / ".containerignore"
    assert (ROOT / ".dockerignore").read_text() == ignore.read_text()
    allowed = {line[1:] for line in ignore.read_text().splitlines() if line.startswith("!")}
    copied = {
        source.rstrip("/")
        for line in instructions()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize("is_tls", [False, True])
def test_the_health_check_tells_life_from_death(
    tmp_path: Path, pair: TlsFiles, is_tls: bool
) -> None:
    async def main() -> None:
        config = configuration(url_engine("http://127.0.0.1:1"))
        if is_tls:
            tls = {"certificate": str(pair.certificate), "key": str(pair.key)}
            config["admin"]["tls"] = tls
        async with serving(config, folder=tmp_path) as served:
            url = f"{'https' if is_tls else 'http'}://127.0.0.1:{served.admin_port}/livez"
            assert await checked(url) == (0, "")
            assert await served.stop() == 0
            code, said = await checked(url)
            assert code == 1
            assert said.startswith(f"{url} does not answer: ")

    run_on_loop(main)


async def checked(url: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(LIVEZ)), env={"EVENHAND_LIVEZ": url}, stdout=PIPE, stderr=PIPE
    )
    _, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()
