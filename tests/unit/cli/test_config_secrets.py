"""Secrets are read by reference, checked, and never shown."""

import copy
import os
import pickle
from pathlib import Path

import pytest

from evenhand.cli.config import Config, ConfigurationError, Secret, read, resolve

GOOD = "0123456789abcdef-good"
OTHER = "0123456789abcdef-other"


def configured(first: str = "env:FIRST", second: str = "env:SECOND", **more: object) -> Config:
    tenants = [{"name": "a"}, {"name": "b"}]
    keys = [{"key": first, "tenant": "a"}, {"key": second, "tenant": "b"}]
    engine = {"name": "e", "kind": "openai", "url": "http://a", "models": ["m"]}
    engines = [engine | {"api_key": "env:ENGINE"}, engine | {"name": "f"}]
    data = {"tenants": tenants, "keys": keys, "engines": engines}
    return Config.model_validate(data | more)


def refusals(config: Config, environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        resolve(config, environ)
    return [str(problem) for problem in caught.value.problems]


def test_secrets_come_in_the_order_of_the_keys_and_by_engine_name() -> None:
    config = configured(admin={"credential": "env:ADMIN"})
    environ = {"FIRST": GOOD, "SECOND": OTHER, "ADMIN": "x" * 16, "ENGINE": "short"}
    secrets = resolve(config, environ)
    assert [secret.reveal() for secret in secrets.keys] == [GOOD, OTHER]
    assert secrets.admin == Secret("x" * 16)
    assert {name: secret.reveal() for name, secret in secrets.engines.items()} == {"e": "short"}


def test_what_seals_hints_is_ours_to_choose() -> None:
    engine = {"name": "e", "kind": "vllm", "url": "http://a", "models": ["m"]}
    sealed = engine | {"fair_scheduler": True, "hints_secret": "env:SEAL"}
    config = configured(engines=[sealed])
    environ = {"FIRST": GOOD, "SECOND": OTHER}
    secrets = resolve(config, environ | {"SEAL": "x" * 16})
    assert secrets.hints == {"e": Secret("x" * 16)}
    (problem,) = refusals(config, environ | {"SEAL": "short"})
    assert problem.startswith("engines[0].hints_secret: env:SEAL is shorter than 16 characters")


def test_without_references_there_is_nothing_for_admin_and_engines() -> None:
    config = configured(engines=[{"name": "e", "kind": "embedded", "models": ["m"]}])
    secrets = resolve(config, {"FIRST": GOOD, "SECOND": OTHER})
    assert secrets.admin is None
    assert not secrets.engines


def test_every_missing_secret_is_told_with_the_command_that_makes_one() -> None:
    problems = refusals(configured(second="file:/no/one here"), {"FIRST": ""})
    assert problems == [
        "engines[0].api_key: env:ENGINE is not set: export ENGINE=... (the engine's key)",
        "keys[0].key: env:FIRST is not set: export FIRST=$(openssl rand -hex 24)",
        "keys[1].key: file:/no/one here is not set: (umask 077; openssl rand -hex 24 > '/no/one here')",
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a" * 15, "shorter than 16"),
        ("canary canary canary", "visible ASCII"),
        (GOOD + "\n", "visible ASCII"),
        ("canary-\u00e9-canary-canary", "visible ASCII"),
        ("canary-\x1b[31m-canary-canary", "visible ASCII"),
        ("a" * 1025, "longer than 1024"),
    ],
)
def test_an_unfit_secret_is_refused_and_not_repeated(value: str, words: str) -> None:
    (problem,) = refusals(configured(), {"FIRST": value, "SECOND": OTHER, "ENGINE": "x"})
    assert words in problem
    assert "FIRST" in problem
    assert value not in problem
    assert "canary" not in problem


def test_two_keys_with_one_secret_are_refused() -> None:
    environ = {"FIRST": GOOD, "SECOND": GOOD, "ENGINE": GOOD}
    (problem,) = refusals(configured(), environ)
    assert problem.startswith("keys[1].key: has the same secret as keys[0]")
    assert GOOD not in problem


def test_a_key_is_not_the_admin_credential() -> None:
    config = configured(admin={"credential": "env:ADMIN"})
    environ = {"FIRST": GOOD, "SECOND": OTHER, "ADMIN": OTHER, "ENGINE": "x"}
    (problem,) = refusals(config, environ)
    assert problem.startswith("keys[1].key: has the same secret as the admin credential")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_file_holds_a_secret_and_at_most_one_line_end(tmp_path: Path, end: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(f"{GOOD}{end}".encode())
    file.chmod(0o600)
    config = configured(first=f"file:{file}")
    assert resolve(config, {"SECOND": OTHER, "ENGINE": "x"}).keys[0].reveal() == GOOD


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (GOOD + "\n\n", 0o600, "visible ASCII"),
        (GOOD, 0o620, "chmod go-w"),
        (GOOD, 0o602, "chmod go-w"),
        ("", 0o600, "is not set"),
        ("\n", 0o600, "is not set"),
        ("a" * 100_000, 0o600, "longer"),
    ],
)
def test_an_unfit_file_is_refused(tmp_path: Path, content: str, mode: int, words: str) -> None:
    file = tmp_path / "secret"
    file.write_text(content)
    file.chmod(mode)
    (problem,) = refusals(configured(first=f"file:{file}"), {"SECOND": OTHER, "ENGINE": "x"})
    assert words in problem
    assert GOOD not in problem


def test_a_pipe_and_a_folder_are_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    config = configured(first=f"file:{pipe}", second=f"file:{tmp_path}")
    problems = refusals(config, {"ENGINE": "x"})
    assert "not a regular file" in problems[0]
    assert "keys[1].key" in problems[1]


def test_problems_carry_the_line_of_the_reference(tmp_path: Path) -> None:
    file = tmp_path / "evenhand.yaml"
    file.write_text(
        "engines: [{name: e, kind: embedded, models: [m]}]\n"
        "tenants: [{name: a}]\n"
        "keys:\n"
        "  - tenant: a\n"
        "    key: env:FIRST\n"
    )
    loaded = read(file)
    with pytest.raises(ConfigurationError) as caught:
        resolve(loaded.config, {}, loaded.lines)
    assert [problem.line for problem in caught.value.problems] == [5]


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("canary-canary-canary")
    shown = f"{secret} {secret!r} {[secret]}"
    assert "canary" not in shown
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="pass the object itself on"):
            leak(secret)
    with pytest.raises(TypeError, match="unhashable"):
        hash(secret)
    assert not hasattr(secret, "__dict__")


def test_secrets_are_equal_by_what_they_hold() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
