"""What `evenhand check` says of what is allowed and may not be meant."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from evenhand.cli.check import check

app = typer.Typer()
app.command()(check)


def said(tmp_path: Path, *domains: str, **engine: Any) -> list[str]:
    """The cautions, for keys of these trust domains."""
    keys = [
        {"key": f"env:K{number}", "tenant": "a", "trust_domain": domain}
        for number, domain in enumerate(domains)
    ]
    config = {
        "admin": {"listen": "127.0.0.1:9100", "credential": "env:ADMIN"},
        "engines": [{"name": "e", "models": ["m"], **engine}],
        "tenants": [{"name": "a"}],
        "keys": keys,
    }
    file = tmp_path / "evenhand.yaml"
    file.write_text(json.dumps(config))
    result = CliRunner().invoke(app, ["--no-secrets", str(file)])
    assert result.exit_code == 0, result.output
    assert "caution" not in result.stdout
    return [line for line in result.stderr.splitlines() if line.startswith("caution: ")]


def test_a_public_engine_without_a_key_is_pointed_out(tmp_path: Path) -> None:
    (caution,) = said(tmp_path, "one", kind="vllm", url="https://8.8.8.8")
    assert "public address and no api_key" in caution


def test_plain_http_over_a_public_address_is_pointed_out(tmp_path: Path) -> None:
    engine = {"kind": "vllm", "url": "http://[2001:4860:4860::8888]:8000", "api_key": "env:E"}
    (caution,) = said(tmp_path, "one", **engine)
    assert "plain http" in caution


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.5", "192.168.1.1", "[::1]", "[fd00::1]", "engine.internal"]
)
def test_engines_on_private_networks_are_as_they_should_be(tmp_path: Path, host: str) -> None:
    assert not said(tmp_path, "one", "two", kind="vllm", url=f"http://{host}:8000")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("llamacpp", "reuse of prompts is switched off there"),
        ("embedded", "reuse of prompts is switched off there"),
        ("trtllm", "can tell by time what others have asked"),
        ("openai", "can tell by time what others have asked"),
    ],
)
def test_engines_without_a_salt_between_trust_domains_are_pointed_out(
    tmp_path: Path, kind: str, words: str
) -> None:
    where = {} if kind == "embedded" else {"url": "http://127.0.0.1:8000"}
    (caution,) = said(tmp_path, "one", "two", kind=kind, **where)
    assert words in caution
    assert not said(tmp_path, "one", "one", kind=kind, **where)
