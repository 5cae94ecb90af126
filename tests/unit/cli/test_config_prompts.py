"""How prompts are compared and followed: what the configuration takes, and why it refuses what."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from evenhand.cli.config import ConfigurationError, UrlEngine, look_outside, read
from support.serve import SECRETS, configuration, embedded, url_engine

EVENTS = {"endpoint": "tcp://10.0.0.5:5557", "replay": "tcp://10.0.0.5:5558"}


def loaded(folder: Path, *engines: dict[str, Any]) -> Any:
    file = folder / "evenhand.yaml"
    file.write_text(json.dumps(configuration(*engines)))
    return read(file)


def problems(folder: Path, *engines: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        look_outside(loaded(folder, *engines), SECRETS)
    return "\n".join(refused.value.explanation("evenhand.yaml"))


def test_events_with_and_without_replay_are_taken(tmp_path: Path) -> None:
    engine = url_engine("http://127.0.0.1:1", kv_events=EVENTS)
    (taken,) = loaded(tmp_path, engine).config.engines
    assert isinstance(taken, UrlEngine)
    assert taken.kv_events is not None
    assert (taken.kv_events.endpoint, taken.kv_events.replay) == tuple(EVENTS.values())
    bare = url_engine("http://127.0.0.1:1", kv_events={"endpoint": "tcp://[::1]:5557"})
    (taken,) = loaded(tmp_path, bare).config.engines
    assert isinstance(taken, UrlEngine)
    assert taken.kv_events is not None
    assert taken.kv_events.replay is None


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ({}, "is missing"),
        ({"endpoint": "http://10.0.0.5:5557"}, "such as tcp://10.0.0.5:5557"),
        ({"endpoint": "tcp://*:5557"}, "stands for the host it is on"),
        ({"endpoint": "tcp://10.0.0.5"}, "host:port"),
        ({"endpoint": "tcp://10.0.0.5:0"}, "from 1 to 65535"),
        ({"endpoint": 5557}, "such as tcp://"),
        (EVENTS | {"topic": "kv"}, "unknown key"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_and_said_why(
    tmp_path: Path, events: dict[str, Any], said: str
) -> None:
    assert said in problems(tmp_path, url_engine("http://127.0.0.1:1", kv_events=events))


def test_kinds_that_publish_no_events_and_embedded_engines_take_none(tmp_path: Path) -> None:
    other = url_engine("http://127.0.0.1:1", kind="llamacpp", kv_events=EVENTS)
    assert "publishes none that are known" in problems(tmp_path, other)
    assert "unknown key" in problems(tmp_path, embedded(kv_events=EVENTS))


def test_a_tokenizer_that_is_not_there_is_said(tmp_path: Path) -> None:
    engine = url_engine("http://127.0.0.1:1", tokenizer=str(tmp_path))
    assert "name the model's folder, or its tokenizer.json" in problems(tmp_path, engine)
    (tmp_path / "tokenizer.json").write_text("{}")
    look_outside(loaded(tmp_path, engine), SECRETS)
    with_template = engine | {"chat_template": str(tmp_path / "none.jinja")}
    assert "there is no such file" in problems(tmp_path, with_template)


@pytest.mark.parametrize(
    ("engine", "extra"),
    [({"kv_events": EVENTS}, "kv-events"), ({"tokenizer": "/models/a"}, "tokenizers")],
)
def test_packages_that_are_not_there_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: dict[str, Any], extra: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    said = problems(tmp_path, url_engine("http://127.0.0.1:1", **engine))
    assert f"pip install 'evenhand[{extra}]'" in said


def test_all_engines_of_a_model_compare_prompts_in_one_way(tmp_path: Path) -> None:
    one = url_engine("http://127.0.0.1:1", name="one", tokenizer="/models/a")
    same = one | {"name": "same", "url": "http://127.0.0.1:2"}
    assert loaded(tmp_path, one, same)
    for other in (same | {"tokenizer": "/models/b"}, same | {"chat_template": "/t.jinja"}):
        assert "compared in one way" in problems(tmp_path, one, other)
    assert "compared in one way" in problems(tmp_path, one, embedded(name="third"))
    assert loaded(tmp_path, one, same | {"tokenizer": "/models/b", "models": ["n"]})


def test_what_would_say_nothing_is_refused(tmp_path: Path) -> None:
    template = url_engine("http://127.0.0.1:1", chat_template="/t.jinja")
    assert "says nothing without the tokenizer" in problems(tmp_path, template)
    two = url_engine("http://127.0.0.1:1", models=["m", "n"], kv_events=EVENTS, tokenizer="/a")
    assert "which of several models" in problems(tmp_path, two)
