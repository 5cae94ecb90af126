"""The arms: what stands between the load and the engine, each as real processes."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.answers import MODEL
from bench.load import BenchError, Target
from bench.pinned import Cores, family, pinned

NAMES = ("direct", "nginx", "gateway", "gateway+ledger")
KEYS = {f"BENCH_KEY_{name}": f"sk-bench-{name * 24}" for name in "abcd"}
"""One a tenant."""
_WINDOW = 4096
_END_S_MAX = 10.0
_NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_body_buffer_size 64k;
    upstream engine {{
        server {engine_host}:{engine_port};
        keepalive 2048;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        keepalive_requests 1000000000;
        location / {{
            proxy_pass http://engine;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


class SkippedError(Exception):
    """An arm cannot run here; the text says why, and what would change that."""


@contextmanager
def engine(cores: Cores) -> Iterator[Target]:
    """The scripted engine for the length of the block."""
    with pinned(cores.load):
        process = _started(sys.executable, "-m", "bench.engine")
    with _ended_after(process):
        yield Target("127.0.0.1", int(_first_line(process)), tuple(KEYS.values()), ())


@contextmanager
def arm(name: str, engine: Target, cores: Cores, folder: Path) -> Iterator[Target]:
    """That arm for the length of the block. Raises SkippedError."""
    folder.mkdir()
    match name:
        case "direct":
            yield engine
        case "nginx":
            with _nginx(engine, cores, folder) as target:
                yield target
        case "gateway":
            with _gateway(engine, cores, folder, {}) as target:
                yield target
        case _:
            (folder / "state").mkdir(mode=0o700)
            state = {"state": {"folder": str(folder / "state")}}
            with _gateway(engine, cores, folder, state) as target:
                yield target


@contextmanager
def _nginx(engine: Target, cores: Cores, folder: Path) -> Iterator[Target]:
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if binary is None:
        raise SkippedError("nginx is not installed: install a package that has it (nginx-light)")
    port = _free_port()
    file = folder / "nginx.conf"
    file.write_text(
        _NGINX.format(folder=folder, port=port, engine_host=engine.host, engine_port=engine.port)
    )
    with pinned(cores.proxy):
        process = _started(binary, "-p", str(folder), "-c", str(file))
    with _ended_after(process):
        _await_listening(port, process, folder / "error.log")
        yield Target("127.0.0.1", port, engine.keys, family(process.pid))


@contextmanager
def _gateway(
    engine: Target, cores: Cores, folder: Path, more: Mapping[str, object]
) -> Iterator[Target]:
    tenants = [name[-1] for name in KEYS]
    document: dict[str, object] = {
        "listen": "127.0.0.1:0",
        "admin": {"listen": "127.0.0.1:0"},
        "engines": [
            {
                "name": "scripted",
                "kind": "vllm",
                "url": f"http://{engine.host}:{engine.port}",
                "models": [MODEL],
                "window": _WINDOW,
            }
        ],
        "tenants": [{"name": name} for name in tenants],
        "keys": [{"key": f"env:{name}", "tenant": name[-1]} for name in KEYS],
    }
    file = folder / "evenhand.yaml"
    file.write_text(json.dumps({**document, **more}))
    _check(file)
    log = (folder / "log.jsonl").open("wb")
    with log, pinned(cores.proxy):
        process = _started(
            *(sys.executable, "-m", "evenhand", "serve", str(file), "--announce", "--with-parent"),
            stderr=log.fileno(),
        )
    with _ended_after(process):
        announced = json.loads(_first_line(process))
        host, port = announced["listen"]
        yield Target(host, port, engine.keys, family(process.pid))


def _check(file: Path) -> None:
    command = (sys.executable, "-m", "evenhand", "check", str(file))
    checked = subprocess.run(  # noqa: S603 - our own command
        command, env={**os.environ, **KEYS}, capture_output=True, text=True, check=False
    )
    if checked.returncode:
        said = checked.stderr.strip().splitlines() or ["no reason given"]
        reason = re.sub(r"\S*evenhand\.yaml:?", "", said[0]).strip()
        raise SkippedError(f"`evenhand check` refuses its configuration: {reason}")


def _started(*command: str, stderr: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own commands, and nginx
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env={**os.environ, **KEYS},
    )


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise BenchError(f"{process.args!r} ended before it served")
    return line


@contextmanager
def _ended_after(process: subprocess.Popen[str]) -> Iterator[None]:
    """Nothing of the process is left after the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _await_listening(port: int, process: subprocess.Popen[str], log: Path) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return
    said = log.read_text().strip() if log.exists() else "no reason given"
    raise BenchError(f"nginx ended before it served: {said}")
