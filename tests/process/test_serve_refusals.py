"""When `evenhand serve` will not start: exit 1, what is wrong, and nothing left running."""

import asyncio
import json
import re
import socket
from pathlib import Path

import pytest
import uvloop

from support.on_loop import run_on_loop
from support.serve import KEY_A, configuration, embedded, end, spawn, url_engine

DEAD = url_engine("http://127.0.0.1:1")
GOOD = """\
listen: 127.0.0.1:0
admin: {listen: "127.0.0.1:0"}
engines:
  - name: far
    kind: vllm
    url: http://127.0.0.1:1
    models: [m]
tenants:
  - name: a
keys:
  - key: env:KEY_A
    tenant: a
"""
BAD = {
    "an unknown key": (GOOD.replace("models:", "modles:"), 7, "models"),
    "a secret in the file": (GOOD.replace("env:KEY_A", KEY_A), 11, "env:NAME"),
    "a secret that is not set": (GOOD.replace("env:KEY_A", "env:NO_SUCH"), 11, "export NO_SUCH="),
}


async def refusal(*arguments: str) -> tuple[int, str, str]:
    process = await spawn("serve", *arguments)
    try:
        async with asyncio.timeout(20):
            stdout, stderr = await process.communicate()
    finally:
        await end(process)
    assert process.returncode is not None
    return process.returncode, stdout.decode(), stderr.decode()


def test_a_bad_configuration_is_explained_with_its_line(tmp_path: Path) -> None:
    async def main() -> None:
        files = [tmp_path / f"{index}.yaml" for index in range(len(BAD))]
        for file, (text, _, _) in zip(files, BAD.values(), strict=True):
            file.write_text(text)
        refusals = await asyncio.gather(*(refusal(str(file), "--announce") for file in files))
        for file, bad, refused in zip(files, BAD.values(), refusals, strict=True):
            _, line, hint = bad
            code, stdout, stderr = refused
            assert (code, stdout) == (1, "")
            assert re.search(rf"^{re.escape(str(file))}:{line}:", stderr, re.MULTILINE), stderr
            assert hint in stderr
            assert "Traceback" not in stderr
            assert KEY_A not in stderr

    run_on_loop(main)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "none.yaml"
    code, _, stderr = uvloop.run(refusal(str(file)))
    assert code == 1
    assert str(file) in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("listener", ["listen", "admin"])
def test_a_port_in_use_is_named(tmp_path: Path, listener: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        address = f"127.0.0.1:{port}"
        config = configuration(DEAD)
        config |= {"listen": address} if listener == "listen" else {"admin": {"listen": address}}
        code, stderr = _start(tmp_path, config)
    assert code == 1
    assert str(port) in stderr, "it says which one"
    assert "in use" in stderr
    assert "choose another" in stderr, "and what to do"
    assert "Traceback" not in stderr


@pytest.mark.engine
def test_a_port_in_use_leaves_no_embedded_engine_running(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = configuration(embedded(), listen=f"127.0.0.1:{taken.getsockname()[1]}")
        code, stderr = _start(tmp_path, config)
    assert code == 1
    assert "in use" in stderr
    model_file = config["engines"][0]["model_file"].encode()
    assert not [pid for pid, line in _command_lines().items() if model_file in line]


@pytest.mark.engine
def test_an_engine_that_cannot_start_is_explained(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and then nonsense")
    code, stderr = _start(tmp_path, configuration(embedded(model_file=str(broken))))
    assert code == 1
    assert "broken.gguf" in stderr
    assert "Traceback" not in stderr


def _start(folder: Path, config: dict[str, object]) -> tuple[int, str]:
    file = folder / "evenhand.yaml"
    file.write_text(json.dumps(config))
    code, stdout, stderr = uvloop.run(refusal(str(file), "--announce"))
    assert not stdout
    return code, stderr


def _command_lines() -> dict[str, bytes]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found[folder.name] = (folder / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended while we looked
    return found
