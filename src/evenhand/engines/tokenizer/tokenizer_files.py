"""A model's tokenizer and chat template from its files, as Hugging Face lays them out. Offline."""

import json
from pathlib import Path
from typing import Any

from evenhand.engines.tokenizer.chat_template import Render, compiled
from evenhand.engines.tokenizer.prompt_tokenizer import PromptTokenizer

_SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")


class TokenizerError(Exception):
    """It cannot be used; the text says why and what to do."""


def load_tokenizer(place: Path, chat_template: Path | None) -> PromptTokenizer:
    """`place` is a model's folder, or its tokenizer.json. The template is that of the folder unless a
    file is named; without any, chats are compared as text. Raises TokenizerError."""
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise TokenizerError(
            "`tokenizer` needs the packages tokenizers and jinja2: pip install 'evenhand[tokenizers]'"
        ) from None
    file = place / "tokenizer.json" if place.is_dir() else place
    if not file.is_file():
        raise TokenizerError(f"there is no {file}: name the model's folder, or its tokenizer.json")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # noqa: BLE001 - the library raises bare exceptions
        raise TokenizerError(f"{file} is no tokenizer: {error}") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    described = _read(file.parent / "tokenizer_config.json")
    vocabulary = max(
        tokenizer.get_vocab_size(with_added_tokens=True),
        _whole(_read(file.parent / "config.json").get("vocab_size")),
    )

    def encode(text: str, adds_special: bool) -> list[int]:  # noqa: FBT001 - an Encode
        ids: list[int] = tokenizer.encode(text, add_special_tokens=adds_special).ids
        return ids

    render = _render(file.parent, described, chat_template)
    return PromptTokenizer(encode, render, vocabulary=vocabulary)


def _render(folder: Path, described: dict[str, Any], named: Path | None) -> Render | None:
    source = _source(folder, described, named)
    if source is None:
        return None
    special = {name: _token(described[name]) for name in _SPECIAL if described.get(name)}
    try:
        return compiled(source, special)
    except ImportError:
        raise TokenizerError(
            "a chat template needs the package jinja2: pip install jinja2"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is no template
        raise TokenizerError(f"the chat template cannot be read: {error}") from None


def _source(folder: Path, described: dict[str, Any], named: Path | None) -> str | None:
    for file in [named] if named is not None else [folder / "chat_template.jinja"]:
        try:
            return file.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            if named is not None:
                raise TokenizerError(
                    f"there is no {error.filename}: name the template's file"
                ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise TokenizerError(f"the chat template {file} cannot be read: {error}") from None
    told = described.get("chat_template")
    if isinstance(told, list):  # several with names
        told = next((one.get("template") for one in told if one.get("name") == "default"), None)
    return told if isinstance(told, str) else None


def _read(file: Path) -> dict[str, Any]:
    """Of a file that need not be there."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise TokenizerError(f"{file} cannot be read: {error}") from None
    return found if isinstance(found, dict) else {}


def _token(told: object) -> str:
    return str(told["content"]) if isinstance(told, dict) and "content" in told else str(told)


def _whole(told: object) -> int:
    return told if type(told) is int else 0
