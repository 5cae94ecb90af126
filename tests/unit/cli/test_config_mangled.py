"""However a file is mangled, it loads or is explained, and no message holds a secret."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.cli.config import ConfigurationError, effective, load, resolve
from evenhand.cli.config.starter import STARTER, STARTER_KEYS

CANARY = "canary-5e7d1b0a9c3f4e82"
"""A secret that somebody pasted in place of its reference."""
SAMPLES: list[Any] = [
    None, True, -1, 0, 1.5, 10**80, "", "text", "*", "embedded", "openai", "http://a", "a/b", [],
    {}, [1], {"a": 1}, [[]], {"kind": []}, {"kind": {}},
]  # fmt: skip
KEYS = ["", "~", "<<", "kind", "openai", "embedded", "name", "url", "key", "0", "a.b", "\x1b[31m"]

Path_ = tuple[str | int, ...]


def starter() -> Any:
    data = yaml.safe_load(STARTER)
    data["engines"].append(
        {"name": "gpu0", "kind": "vllm", "url": "http://10.0.0.5:8000", "models": ["m"],
         "api_key": "env:VLLM_KEY"}
    )  # fmt: skip
    data["admin"]["credential"] = "env:ADMIN_KEY"
    return data


def places(data: Any, place: Path_ = ()) -> Iterator[Path_]:
    steps: Any = ()
    if isinstance(data, dict):
        steps = list(data)
    elif isinstance(data, list):
        steps = range(len(data))
    for step in steps:
        yield (*place, step)
        yield from places(data[step], (*place, step))


def explanation(file: Path, environ: dict[str, str]) -> list[str]:
    """What is said about the file, or nothing."""
    try:
        config = load(file)
        assert effective(config)
        resolve(config, environ)
    except ConfigurationError as error:
        return error.explanation("f")
    return []


@st.composite
def mangled(draw: st.DrawFn) -> Any:
    data = starter()
    for _ in range(draw(st.integers(1, 4))):
        everywhere = list(places(data))
        if not everywhere:
            break
        place = draw(st.sampled_from(everywhere))
        holder = data
        for step in place[:-1]:
            holder = holder[step]
        mangle(draw, holder, place[-1])
    return data


def mangle(draw: st.DrawFn, holder: Any, step: Any) -> None:
    ways: dict[str, Callable[[Any], Any]] = {
        "replace": lambda _: copy.deepcopy(draw(st.sampled_from(SAMPLES))),
        "list": lambda value: [value],
        "mapping": lambda value: {"a": value},
        "as text": str,
        "twice": lambda value: [value, copy.deepcopy(value)],
    }
    way = draw(st.sampled_from(["delete", "rename", *ways]))
    value = holder[step]
    if way == "delete":
        del holder[step]
    elif way == "rename" and isinstance(holder, dict):
        name = draw(st.sampled_from([*KEYS, f"{step}s", str(step)[:-1]]))
        holder[name] = holder.pop(step)
    elif way in ways:
        holder[step] = ways[way](value)


@given(data=mangled())
@settings(max_examples=400, deadline=None)
def test_a_mangled_file_loads_or_is_explained(
    tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    file = tmp_path_factory.getbasetemp() / "mangled.yaml"
    file.write_text(yaml.safe_dump(data))
    environ = dict.fromkeys((*STARTER_KEYS, "VLLM_KEY", "ADMIN_KEY"), CANARY)
    text = "\n".join(explanation(file, environ))
    assert CANARY not in text
    assert "\x1b" not in text
    assert "type=" not in text
    assert "Input should" not in text


@given(data=mangled(), position=st.integers(0, 4))
@settings(max_examples=200, deadline=None)
def test_a_secret_in_place_of_its_reference_is_not_repeated(
    tmp_path_factory: pytest.TempPathFactory, data: Any, position: int
) -> None:
    references = ["ACME_SEARCH_KEY", "ACME_SUPPORT_KEY", "GLOBEX_BATCH_KEY", "VLLM_KEY"]
    name = [*references, "ADMIN_KEY"][position]
    text = yaml.safe_dump(data).replace(f"env:{name}", CANARY)
    file = tmp_path_factory.getbasetemp() / "pasted.yaml"
    file.write_text(text)
    if CANARY in text:
        with pytest.raises(ConfigurationError) as caught:
            load(file)
        assert CANARY not in str(caught.value)


@given(text=st.text(max_size=200) | st.text("{}[]:,-&*!|>'\"%@`#?~ \n\tab1", max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_loads_or_is_explained(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigurationError):
        load(file)


@given(cut=st.integers(0, len(STARTER)), put=st.sampled_from(list("{}[]:,-&*!|>'\"%@`#\n\t\x00")))
@settings(max_examples=200, deadline=None)
def test_one_wrong_character_loads_or_is_explained(
    tmp_path_factory: pytest.TempPathFactory, cut: int, put: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "typo.yaml"
    file.write_text(STARTER[:cut] + put + STARTER[cut:])
    assert all(line.startswith("f:") for line in explanation(file, {}))


def test_the_unmangled_file_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "evenhand.yaml"
    file.write_text(yaml.safe_dump(starter()))
    load(file)
