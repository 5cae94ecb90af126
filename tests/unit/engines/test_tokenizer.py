"""Prompts as token ids: what is certain, what is compared as text instead, what is no tokenizer."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import uvloop
from bench.prefix_workers.mocker import write_word_model
from bench.prefix_workers.traffic import WORDS

from evenhand.engines.kv_events.packed_tokens import packed
from evenhand.engines.tokenizer import (
    PromptTokenizer,
    PromptTokens,
    TokenizerError,
    Tokenizing,
    load_tokenizer,
)
from evenhand.engines.tokenizer import tokenizing as its_thread
from evenhand.model import ModelName

ID = {word: number for number, word in enumerate(WORDS, start=3)}
BEGIN, END = 1, 2
SAID = [{"role": "user", "content": "the and of"}]


@pytest.fixture
def reader(tmp_path: Path) -> PromptTokenizer:
    write_word_model(tmp_path)
    return load_tokenizer(tmp_path, None)


def tokens(reader: PromptTokenizer, body: dict[str, Any]) -> PromptTokens | None:
    return reader.tokens(json.dumps(body).encode())


def test_a_chat_goes_through_its_template(reader: PromptTokenizer) -> None:
    ids = [BEGIN, ID["the"], ID["and"], ID["of"], END]
    assert tokens(reader, {"messages": SAID}) == PromptTokens(packed(ids), len(ids))


def test_texts_and_ids_are_taken_as_they_are(reader: PromptTokenizer) -> None:
    ids = [ID["the"], ID["to"]]
    assert tokens(reader, {"prompt": "the to"}) == PromptTokens(packed(ids), 2)
    assert tokens(reader, {"prompt": ids}) == PromptTokens(packed(ids), 2)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": SAID, "tools": []},
        {"messages": SAID, "chat_template": "{{ 1 }}"},
        {"messages": SAID, "chat_template_kwargs": {}},
        {"messages": SAID, "add_generation_prompt": "yes"},
        {"messages": SAID, "add_special_tokens": True},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "the"}]}]},
        {"messages": [{"role": "user", "content": "the", "name": "a"}]},
        {"messages": [{"role": "assistant", "content": None}]},
        {"messages": ["the"]},
        {"messages": "the"},
        {"prompt": ["the", "of"]},
        {"prompt": [[3], [4]]},
        {"prompt": []},
        {"prompt": [10**9]},
        {"prompt": [-1]},
        {"prompt": "the", "suffix": "of"},
        {},
    ],
)
def test_what_is_not_certain_is_left_to_be_compared_as_text(
    reader: PromptTokenizer, body: dict[str, Any]
) -> None:
    assert reader.tokens(json.dumps(body).encode()) is None


def test_of_a_long_text_the_beginning_is_taken_without_its_last_words(
    reader: PromptTokenizer,
) -> None:
    text = "the of and to " * 10_000
    short = tokens(reader, {"prompt": text[: 1 << 14]})
    long = tokens(reader, {"prompt": text})
    assert short is not None
    assert long is not None
    assert short.count is not None
    assert long.count is None
    assert long.ids.startswith(short.ids[:-64])


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('roles must alternate') }}",
        "{{ messages[99].content }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% for n in range(10**9) %}{% endfor %}",
    ],
)
def test_a_template_that_refuses_or_tries_to_get_out_gives_nothing(
    tmp_path: Path, template: str
) -> None:
    write_word_model(tmp_path)
    file = tmp_path / "other.jinja"
    file.write_text(template)
    assert tokens(load_tokenizer(tmp_path, file), {"messages": SAID}) is None


def test_a_named_template_is_taken_and_the_folders_file_before_the_settings(tmp_path: Path) -> None:
    write_word_model(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("to")
    assert tokens(load_tokenizer(tmp_path, None), {"messages": SAID}) == PromptTokens(
        packed([ID["to"]]), 1
    )
    (tmp_path / "named").write_text("in {% if add_generation_prompt %}is{% endif %}")
    reader = load_tokenizer(tmp_path / "tokenizer.json", tmp_path / "named")
    assert tokens(reader, {"messages": SAID}) == PromptTokens(packed([ID["in"], ID["is"]]), 2)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tokenizer.json", None, "there is no"),
        ("tokenizer.json", "{", "is no tokenizer"),
        ("tokenizer.json", "{}", "is no tokenizer"),
        ("tokenizer_config.json", "[", "cannot be read"),
        ("chat_template.jinja", "{% if %}", "the chat template cannot be read"),
    ],
)
def test_files_that_are_no_tokenizer_are_said(
    tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    write_word_model(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(TokenizerError, match=said):
        load_tokenizer(tmp_path, None)


def test_when_too_much_waits_for_the_thread_the_next_is_compared_as_text(
    reader: PromptTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(its_thread, "WAITING_BYTES_MAX", 100_000)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tokenizing = Tokenizing({ModelName("m"): reader}, loop)
        body = json.dumps({"prompt": "the of " * 9_000}).encode()
        told: list[PromptTokens | None] = []
        done = asyncio.Event()

        def hear(tokens: PromptTokens | None) -> None:
            told.append(tokens)
            if len(told) == 3:
                done.set()

        for _ in range(3):
            tokenizing.begin(ModelName("m"), body, hear)
        assert told == [None, None], "at once, and the first is on its way"
        await done.wait()
        assert told[2] is not None
        assert tokenizing.counts == {"tokens": 1, "uncertain": 0, "crowded_out": 2}
        tokenizing.begin(ModelName("m"), b'{"tools":[]}', told.append)
        tokenizing.close()

    uvloop.run(main())


@pytest.mark.parametrize("package", ["tokenizers", "jinja2"])
def test_without_the_packages_it_says_what_to_install(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_word_model(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.startswith("jinja2.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(TokenizerError, match="pip install"):
        load_tokenizer(tmp_path, None)


def test_a_gateway_without_them_loads_none_of_the_packages() -> None:
    script = (
        "import sys, evenhand.cli.serve\n"
        "print({'zmq', 'msgspec', 'tokenizers', 'jinja2'} & set(sys.modules) or 'none')"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "none"
