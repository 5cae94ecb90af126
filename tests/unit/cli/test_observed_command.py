"""`evenhand observed` against listeners that answer anything: what it prints, and how it fails."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from evenhand.cli.observed import observed
from support.serve import configuration, url_engine

app = typer.Typer()
app.command()(observed)

WAIT = {"mean": 1_500, "p50": 20, "p95": None}
SIDE = {"requests": 3, "unserved_requests": 1, "wait_ms": WAIT, "contended_share": None}
ROW = {
    "tenant": "acme/search",
    "arrival": SIDE,
    "fair": SIDE | {"contended_share": 0.25},
    "effect": "loses",
    "sentence": "acme/search would wait more.",
}
PAGE = {
    "mode": "observe",
    "policy": "vtc",
    "failure": None,
    "behind_ms": 0,
    "open_requests": 0,
    "paused": False,
    "resets": 0,
    "unobserved_requests": 0,
    "requests_of_unknown_service": 0,
    "recent_s": 300,
    "recent": [],
    "in_all": [ROW],
}


@contextmanager
def listener(status: int, body: bytes) -> Iterator[tuple[int, list[str]]]:
    """An HTTP server that answers everything alike; its port, and the authorizations it saw."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["authorization"])
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """It says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(folder: Path, port: int, *words: str, listen: str = "127.0.0.1") -> Result:
    file = folder / "evenhand.yaml"
    admin = {"listen": f"{listen}:{port}", "credential": "env:ADMIN_KEY"}
    file.write_text(json.dumps(configuration(url_engine("http://127.0.0.1:1"), admin=admin)))
    environment = {"ADMIN_KEY": "adm-some-credential-0123456789", "COLUMNS": "120"}
    return CliRunner().invoke(app, ["--config", str(file), *words], env=environment)


def answer_to(folder: Path, page: Any, *words: str, status: int = 200) -> Result:
    body = page if isinstance(page, bytes) else json.dumps(page).encode()
    with listener(status, body) as (port, _):
        return ask(folder, port, *words)


def test_the_table_shows_both_orders(tmp_path: Path) -> None:
    result = answer_to(tmp_path, PAGE)
    assert result.exit_code == 0
    assert not result.stderr
    row = next(line for line in result.stdout.splitlines() if line.startswith("acme/search  "))
    assert "3 (1 unserved) > 3 (1 unserved)" in row
    assert "1.5 s > 1.5 s" in row
    assert "20 ms > 20 ms" in row
    assert "- > 25" in row
    assert "acme/search would wait more." in result.stdout
    assert "The last" not in result.stdout
    recent = answer_to(tmp_path, PAGE | {"recent": [ROW | {"tenant": None}]})
    assert "The last 5 minutes" in recent.stdout
    assert "all others" in recent.stdout


def test_what_one_must_know_is_said_apart_from_the_figures(tmp_path: Path) -> None:
    changed = {"resets": 2, "unobserved_requests": 77, "paused": True}
    result = answer_to(tmp_path, PAGE | changed | {"requests_of_unknown_service": 5})
    assert result.exit_code == 0
    resets, paused, unknown = result.stderr.splitlines()
    assert "2 times" in resets
    assert "77 requests" in resets
    assert "to begin anew" in paused
    assert unknown.startswith("evenhand: 5 requests")


def test_json_is_the_page(tmp_path: Path) -> None:
    assert json.loads(answer_to(tmp_path, PAGE, "--json").stdout) == PAGE


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["table", "json"])
def test_a_failed_shadow_is_an_error(tmp_path: Path, words: tuple[str, ...]) -> None:
    failed = {"mode": "observe", "policy": "vtc", "failure": "KeyError: 'x'"}
    result = answer_to(tmp_path, failed, *words)
    assert result.exit_code == 1
    assert "KeyError: 'x'" in result.stderr
    assert "traffic goes on" in result.stderr


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>", "is not Evenhand's admin listener"),
        (200, b"{}", "is no page of Evenhand"),
        (200, b"[]", "is not Evenhand's admin listener"),
        (404, b'{"error": {"message": "Do this."}}', "Do this. (status 404"),
        (500, b'{"error": 7}', "no reason was given (status 500"),
        (401, b"{}", "refuses the credential"),
    ],
)
def test_other_answers_are_explained(tmp_path: Path, status: int, body: bytes, words: str) -> None:
    result = answer_to(tmp_path, body, status=status)
    assert result.exit_code == 1
    assert words in result.stderr
    assert not result.stdout
    assert "adm-some" not in result.output


def test_who_listens_everywhere_is_asked_on_loopback_with_the_credential(tmp_path: Path) -> None:
    with listener(200, json.dumps(PAGE).encode()) as (port, seen):
        assert ask(tmp_path, port, listen="0.0.0.0").exit_code == 0
    assert seen == ["Bearer adm-some-credential-0123456789"]
