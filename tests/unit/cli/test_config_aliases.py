"""Aliases stand for models that are served, and hide none; engines say which APIs they serve."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from evenhand.cli.composition import model_aliases, served_apis
from evenhand.cli.config import Config, ConfigurationError, effective, load
from evenhand.cli.config.engines import UrlEngine
from evenhand.wire.api_name import ApiName


def loaded(tmp_path: Path, **more: Any) -> Config:
    engine = {"name": "far", "kind": "vllm", "url": "http://127.0.0.1:9", "models": ["big", "tiny"]}
    data = {
        "engines": [engine | more.pop("engine", {})],
        "tenants": [{"name": "a"}],
        "keys": [{"key": "env:KEY_A", "tenant": "a"}],
    }
    file = tmp_path / "evenhand.yaml"
    file.write_text(yaml.safe_dump(data | more))
    return load(file)


def test_aliases_are_read_and_printed(tmp_path: Path) -> None:
    config = loaded(tmp_path, aliases={"gpt-4o": "big", "a/b:c": "tiny"})
    assert model_aliases(config) == {"gpt-4o": "big", "a/b:c": "tiny"}
    assert effective(config).count("gpt-4o: big") == 1


@pytest.mark.parametrize(
    ("aliases", "says"),
    [
        ({"gpt-4o": "bog"}, "no engine serves bog; did you mean big?"),
        ({"tiny": "big"}, "an engine serves tiny by that name"),
        ({"one": "two", "two": "big"}, "two is an alias itself"),
        ({"one": "one"}, "one is an alias itself"),
        ({"one": "two", "two": "one"}, "is an alias itself"),
        ({"a b": "big"}, "a model name"),
        ({"one": 7}, "a model name"),
        (["one"], "a mapping of names to models"),
    ],
)
def test_aliases_that_lead_nowhere_are_refused(tmp_path: Path, aliases: Any, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, aliases=aliases)
    assert says in str(caught.value)
    assert "aliases" in str(caught.value)


def test_a_key_names_models_not_aliases(tmp_path: Path) -> None:
    key = {"key": "env:KEY_A", "tenant": "a", "models": ["gpt-4o"]}
    with pytest.raises(ConfigurationError, match="is an alias: name the model, big"):
        loaded(tmp_path, aliases={"gpt-4o": "big"}, keys=[key])


def test_an_engine_serves_what_its_kind_does_unless_something_else_is_said(tmp_path: Path) -> None:
    def apis(**engine: Any) -> object:
        read = loaded(tmp_path, engine=engine).engines[0]
        assert isinstance(read, UrlEngine)
        return served_apis(read)

    assert apis() is None
    assert apis(apis=[]) == frozenset()
    assert apis(kind="openai", apis=["responses"]) == {ApiName.RESPONSES}
    assert apis(keeps_responses=True) is None
    for engine in ({"kind": "openai"}, {"apis": ["messages"]}):
        with pytest.raises(ConfigurationError, match="no responses that it could keep"):
            apis(keeps_responses=True, **engine)
    with pytest.raises(ConfigurationError, match="responses, messages"):
        apis(apis=["chat"])
