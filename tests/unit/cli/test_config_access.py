"""Who may do what, in the configuration: credentials with roles, issuers of tokens, collectors."""

import json
from pathlib import Path
from typing import Any

import pytest

from evenhand.cli.config import (
    Config,
    ConfigurationError,
    effective,
    load,
    look_outside,
    read,
    resolve,
)

ISSUER: dict[str, Any] = {
    "name": "corp",
    "issuer": "https://login.example.org",
    "audience": "evenhand",
    "jwks_url": "https://login.example.org/keys",
    "tenant": {"claim": "tenant"},
}
VIEWER = {"name": "grafana", "role": "viewer", "credential": "env:VIEWER"}


def document(**more: Any) -> dict[str, Any]:
    return {
        "engines": [{"name": "local", "kind": "embedded", "models": ["tiny"]}],
        "tenants": [{"name": "a", "children": [{"name": "b"}]}],
        "keys": [{"key": "env:KEY_A", "tenant": "a/b"}],
    } | more


def with_issuer(**more: Any) -> dict[str, Any]:
    wanted = {name: value for name, value in (ISSUER | more).items() if value is not None}
    return document(identity={"jwt": [wanted]})


def with_admin(**admin: Any) -> dict[str, Any]:
    return document(admin=admin)


def written(tmp_path: Path, data: dict[str, Any]) -> Path:
    file = tmp_path / "evenhand.yaml"
    file.write_text(json.dumps(data))
    return file


def problem_of(tmp_path: Path, data: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(written(tmp_path, data))
    return "\n".join(str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            with_admin(credentials=[VIEWER | {"name": "admin"}]),
            "admin.credentials[0].name: the name",
        ),
        (with_admin(credentials=[VIEWER, dict(VIEWER)]), "is taken by another credential"),
        (
            with_admin(credential="env:VIEWER", credentials=[VIEWER]),
            "env:VIEWER is the admin credential already",
        ),
        (
            with_admin(credentials=[VIEWER | {"credential": "env:KEY_A"}]),
            "keys[0].key: env:KEY_A is",
        ),
        (
            with_admin(credentials=[VIEWER | {"role": "tenant"}]),
            "must be one of viewer, operator, owner",
        ),
        (
            with_admin(credentials=[VIEWER | {"credential": "plain-secret-123456"}]),
            "must be a reference",
        ),
        (with_admin(listen="0.0.0.0:8081"), "needs a credential"),
        (with_admin(host_names=["a b"]), "must be a host name"),
        (with_admin(host_names=["127.1"]), "must be a host name"),
        (with_issuer(jwks_url=None), "give one of jwks_url and jwks_file"),
        (with_issuer(jwks_file="keys.json"), "give one of jwks_url and jwks_file"),
        (with_issuer(tenant=None), "its tokens would open nothing"),
        (with_issuer(algorithms=["none"]), "must be one of RS256"),
        (with_issuer(algorithms=["HS256"]), "must be one of RS256"),
        (with_issuer(algorithms=[]), "must be a list of 1 to 10"),
        (
            with_issuer(tenant={"claim": "t", "values": {"x": "a"}}),
            "there is no tenant a; known: a/b",
        ),
        (with_issuer(tenant={"claim": "t", "default": "a/c"}), "there is no tenant a/c"),
        (with_issuer(lane={"claim": "t", "values": {"x": "fast"}}), "there is no lane fast"),
        (with_issuer(role={"claim": "t", "default": "boss"}), "there is no role boss"),
        (with_issuer(models=["huge"]), "no engine serves huge"),
        (with_issuer() | {"lanes": [{"name": "fast"}]}, "there is no lane default"),
        (with_issuer(jwks_url="http://login.example.org/"), "Plain http is for loopback"),
        (
            document(identity={"jwt": [ISSUER, ISSUER | {"tenant": {"claim": "t"}}]}),
            "is another entry's too",
        ),
        (document(traces={"endpoint": "http://user:pw@host:4318"}), "without user or password"),
        (document(traces={"endpoint": "http://h:1", "sample_percent": 101}), "from 0 to 100"),
        (
            document(traces={"endpoint": "http://h:1", "headers": {"a b": "env:X"}}),
            "traces.headers",
        ),
        (
            document(traces={"endpoint": "http://h:1", "headers": {"a": "sk-0123456789abcdef"}}),
            "must be a reference",
        ),
    ],
)
def test_what_does_not_go_together_is_explained(
    tmp_path: Path, data: dict[str, Any], words: str
) -> None:
    problem = problem_of(tmp_path, data)
    assert words in problem
    assert "0123456789abcdef" not in problem
    assert "plain-secret" not in problem
    assert "user:pw" not in problem


def test_a_named_credential_is_enough_to_listen_to_others(tmp_path: Path) -> None:
    config = load(written(tmp_path, with_admin(listen="0.0.0.0:8081", credentials=[VIEWER])))
    assert [admin.role for admin in config.admin.credentials] == ["viewer"]


def test_it_reads_back_as_it_was(tmp_path: Path) -> None:
    headers = {"x-key": "env:COLLECTOR"}
    data = with_issuer(role={"claim": "g", "values": {"x": "owner"}}) | {
        "admin": {"credentials": [VIEWER], "host_names": ["Admin.example.org"]},
        "traces": {"endpoint": "https://otlp.example.org/otlp", "headers": headers},
    }
    config = load(written(tmp_path, data))
    assert config.admin.host_names == ("admin.example.org",)
    again = tmp_path / "again.yaml"
    again.write_text(effective(config))
    assert load(again) == config


def test_secrets_come_to_where_they_are_used(tmp_path: Path) -> None:
    data = with_admin(credential="env:OWNER", credentials=[VIEWER]) | {
        "traces": {"endpoint": "http://h:1", "headers": {"x-key": "env:COLLECTOR"}}
    }
    config: Config = load(written(tmp_path, data))
    environment = {
        "OWNER": "owner-0123456789abcdef",
        "VIEWER": "viewer-0123456789abcdef",
        "KEY_A": "sk-0123456789abcdef",
        "COLLECTOR": "short",
    }
    secrets = resolve(config, environment)
    assert [secret.reveal() for secret in secrets.admins] == ["viewer-0123456789abcdef"]
    assert secrets.traces["x-key"].reveal() == "short", "not ours to choose"
    with pytest.raises(ConfigurationError, match="has the same secret as the admin credential"):
        resolve(config, environment | {"VIEWER": environment["OWNER"]})
    with pytest.raises(ConfigurationError, match=r"same secret as admin.credentials\[0\]"):
        resolve(config, environment | {"KEY_A": environment["VIEWER"]})
    with pytest.raises(ConfigurationError, match="the collector's value"):
        resolve(config, {k: v for k, v in environment.items() if k != "COLLECTOR"})


def test_a_file_of_keys_is_looked_into_before_the_start(tmp_path: Path) -> None:
    bad = tmp_path / "keys.json"
    bad.write_text('{"keys": []}')
    loaded = read(written(tmp_path, with_issuer(jwks_url=None, jwks_file=str(bad))))
    with pytest.raises(ConfigurationError, match="has no public key for signatures"):
        look_outside(loaded, {"KEY_A": "sk-0123456789abcdef"})
    bad.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        look_outside(loaded, {"KEY_A": "sk-0123456789abcdef"})
