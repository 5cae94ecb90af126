"""What an operator may write, and what the answer is to what he may not."""

import json
from pathlib import Path
from typing import Any

import pytest

from evenhand.inengine.settings import InEngineSettings, InEngineSettingsError, path_of
from evenhand.inengine.settings_document import VARIABLE, document_of, secret_of
from evenhand.model import LaneName
from evenhand.scheduling import TenantShare

FULL: dict[str, Any] = {
    "policy": "wsc",
    "tenants": [{"name": "acme", "weight": 3, "children": [{"name": "search"}]}],
    "tenants_max": 7,
    "lanes": [
        {"name": "chat", "ttft_ms_target": 500, "floor_percent": 25, "inter_token_ms": 50},
        {"name": "batch", "output_tokens_max": 100, "thinking_tokens_max": 0},
    ],
    "trust_hints": True,
    "hints_secret": "env:X",
    "keys": {"a" * 64: "acme/search"},
    "header": "x-tenant",
    "fair_batching": False,
    "fair_preemption": False,
    "prompt_tokens_min": 16,
    "kv_ceiling_percent": 50,
    "kv_ceilings_percent": {"acme/search": 30},
    "event_log": "/tmp/log",
    "event_log_mib_max": 1,
    "gpu_time_file": "gpu-time.json",
    "report_s": 0,
}


def test_all_that_may_be_written_is_read() -> None:
    settings = InEngineSettings.of(FULL)
    search = TenantShare(name="search")
    assert settings.tenants == (TenantShare(name="acme", weight=3, children=(search,)),)
    assert settings.kv_ceilings_percent == {("acme", "search"): 30}
    assert settings.caps(LaneName("chat")).inter_token_ms == 50
    assert settings.caps(LaneName("batch")).thinking_tokens_max == 0
    assert settings.lane(LaneName("chat")) == "chat"
    assert settings.lane(LaneName("nothing like it")) == "batch"
    assert FULL.keys() == set(InEngineSettings.__dataclass_fields__) - {"lane_caps"}


def test_nothing_has_to_be_written() -> None:
    settings = InEngineSettings.of({})
    assert settings == InEngineSettings()
    assert settings.lane(LaneName("any")) == "any"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"polcy": "vtc"}, "unknown setting 'polcy'. Known here: event_log"),
        ({"policy": "best"}, "Use one of"),
        ({"policy": 3}, "is to be a text"),
        ({"tenants": {"name": "a"}}, "tenants is to be a list"),
        ({"tenants": ["a"]}, r"tenants\[0\] is to be an object"),
        ({"tenants": [{"weight": 1}]}, r"tenants\[0\].name is to be the name of a tenant"),
        ({"tenants": [{"name": "a/b"}]}, "without a slash"),
        ({"tenants": [{"name": "a", "weight": 0}]}, "from 1 to 10000, not 0"),
        ({"tenants": [{"name": "a", "weight": True}]}, "from 1 to 10000, not True"),
        ({"tenants": [{"name": "a"}, {"name": "a"}]}, "two of tenants have one name"),
        ({"tenants": [{"name": "a", "wieght": 2}]}, r"unknown setting 'tenants\[0\].wieght'"),
        ({"lanes": [{"ttft_ms_target": 1}]}, r"lanes\[0\].name is missing"),
        ({"lanes": [{"name": "a"}, {"name": "a"}]}, "two lanes have one name"),
        (
            {"lanes": [{"name": lane, "floor_percent": 51} for lane in "ab"]},
            "add up to 102 percent",
        ),
        ({"lanes": [{"name": "a", "floor_percent": 101}]}, "from 0 to 100"),
        ({"lanes": [{"name": "a", "floor_percent": 50, "ceiling_percent": 40}]}, "from 50 to 100"),
        ({"lanes": [{"name": "a", "output_tokens": 4}]}, r"'lanes\[0\].output_tokens'"),
        ({"trust_hints": "yes"}, "is to be true or false, not 'yes'"),
        ({"kv_ceiling_percent": 0}, "from 1 to 100"),
        ({"kv_ceilings_percent": {"a//b": 10}}, "a tenant and a whole number"),
        ({"kv_ceilings_percent": {"a": 1.5}}, "a tenant and a whole number"),
        ({"kv_ceilings_percent": [1]}, "is to be an object"),
        ({"keys": {"sk-secret": "a"}}, "64 hex digits"),
        ({"keys": {"a" * 64: ""}}, "a tenant's path"),
        ({"report_s": -1}, "from 0 to 86400"),
    ],
)
def test_the_message_says_what_to_write(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InEngineSettingsError, match=message):
        InEngineSettings.of(change)


def test_a_key_that_is_no_digest_is_not_repeated() -> None:
    with pytest.raises(InEngineSettingsError) as caught:
        InEngineSettings.of({"keys": {"sk-secret": "a"}})
    assert "sk-secret" not in str(caught.value)


def test_tenants_may_be_eight_levels_deep() -> None:
    def nested(depth: int) -> dict[str, Any]:
        return {"name": "n", **({"children": [nested(depth - 1)]} if depth > 1 else {})}

    assert InEngineSettings.of({"tenants": [nested(8)]}).tenants
    with pytest.raises(InEngineSettingsError, match="deeper than 8 levels"):
        InEngineSettings.of({"tenants": [nested(9)]})


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a/b", ("a", "b")),
        ("", None),
        ("/", None),
        ("a/", None),
        ("/".join("abcdefghi"), None),
        ("a" * 2000, None),
    ],
)
def test_paths(text: str, path: tuple[str, ...] | None) -> None:
    assert path_of(text) == path


# Where settings come from.


def test_an_object_is_taken_as_it_is() -> None:
    assert document_of({"policy": "vtc"}, {VARIABLE: '{"policy": "wsc"}'}) == {"policy": "vtc"}


def test_without_any_the_environment_is_asked(tmp_path: Path) -> None:
    assert document_of(None, {}) == {}
    assert document_of(None, {VARIABLE: '{"policy": "wsc"}'}) == {"policy": "wsc"}
    path = tmp_path / "fair.json"
    path.write_text('{"policy": "drr"}')
    assert document_of(None, {VARIABLE: str(path)}) == {"policy": "drr"}


def test_a_path_is_read_as_its_name_says(tmp_path: Path) -> None:
    path = tmp_path / "fair.yaml"
    path.write_text("policy: wsc\nlanes: [{name: chat}]\n")
    assert document_of(str(path), {}) == {"policy": "wsc", "lanes": [{"name": "chat"}]}
    path.write_text("policy: [")
    with pytest.raises(InEngineSettingsError, match="cannot be read"):
        document_of(str(path), {})


@pytest.mark.parametrize("text", ["[1]", "7", "", "{", "null", "[" * 100_000])
def test_a_file_that_holds_no_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fair.json"
    path.write_text(text)
    with pytest.raises(InEngineSettingsError, match="evenhand: "):
        document_of(str(path), {})


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InEngineSettingsError, match=r"/not/there\.json cannot be read"):
        document_of("/not/there.json", {})


@pytest.mark.parametrize("told", [7, [], True])
def test_what_is_no_settings_is_refused(told: object) -> None:
    with pytest.raises(InEngineSettingsError, match="are to be an object"):
        document_of(told, {})


def test_secrets_come_from_where_their_reference_says(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("0123456789abcdef\n")
    assert secret_of(f"file:{path}", {}) == b"0123456789abcdef"
    assert secret_of("env:S", {"S": "x" * 20}) == b"x" * 20


@pytest.mark.parametrize("reference", ["0123456789abcdef0123", "env:", "vault:x", ""])
def test_a_secret_is_never_written_down(reference: str) -> None:
    with pytest.raises(InEngineSettingsError, match="never to be one") as caught:
        secret_of(reference, {})
    assert not reference or json.dumps(reference) not in str(caught.value)


def test_a_short_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(InEngineSettingsError, match="has 5 characters") as caught:
        secret_of("env:S", {"S": "short"})
    assert "short" not in str(caught.value)
