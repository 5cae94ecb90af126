"""Reading what an operator wrote, member by member, with messages that say what to write instead."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

VARIABLE = "EVENHAND_INENGINE"
"""Names the environment variable with settings where the engine's own options have none."""

_Default = TypeVar("_Default")
_BYTES_MAX = 16 << 20


class InEngineSettingsError(ValueError):
    """The settings cannot be used; the message says what to write instead."""


class Section:
    """An object of the settings at `place`. What was not taken by `done` is unknown."""

    def __init__(self, document: object, place: str) -> None:
        if not isinstance(document, Mapping):
            raise InEngineSettingsError(f"evenhand: {place} is to be an object, not {document!r}.")
        self._members = dict(document)
        self._place = place
        self._known: list[str] = []

    def at(self, name: str) -> str:
        """Where a member stands, in words."""
        return f"{self._place}.{name}" if self._place != "the settings" else name

    def take(self, name: str, default: Any = None) -> Any:
        """As it is."""
        self._known.append(name)
        return self._members.pop(name, default)

    def integer(
        self, name: str, default: _Default, least: int, most: int = 1 << 40
    ) -> int | _Default:
        """A whole number within bounds."""
        value = self.take(name, default)
        if value is default:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise InEngineSettingsError(
                f"evenhand: {self.at(name)} is to be a whole number from {least} to {most}, not"
                f" {value!r}."
            )
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.take(name, default)
        if not isinstance(value, bool):
            raise InEngineSettingsError(
                f"evenhand: {self.at(name)} is to be true or false, not {value!r}."
            )
        return value

    def text(self, name: str, default: _Default) -> str | _Default:
        """A text that is not empty."""
        value = self.take(name, default)
        if value is default:
            return default
        if not isinstance(value, str) or not value:
            raise InEngineSettingsError(
                f"evenhand: {self.at(name)} is to be a text, not {value!r}."
            )
        return value

    def sections(self, name: str) -> "list[Section]":
        """A list of objects; none where it is left out."""
        value = self.take(name, [])
        if not isinstance(value, list | tuple):
            raise InEngineSettingsError(
                f"evenhand: {self.at(name)} is to be a list, not {value!r}."
            )
        return [Section(item, f"{self.at(name)}[{index}]") for index, item in enumerate(value)]

    def mapping(self, name: str) -> dict[str, Any]:
        """An object whose names are the operator's own."""
        value = self.take(name, {})
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise InEngineSettingsError(
                f"evenhand: {self.at(name)} is to be an object, not {value!r}."
            )
        return dict(value)

    def done(self) -> None:
        """All that there is has been read."""
        for name in sorted(self._members, key=str):
            raise InEngineSettingsError(
                f"evenhand: unknown setting {self.at(str(name))!r}. Known here:"
                f" {', '.join(sorted(self._known))}."
            )


def document_of(told: object, environment: Mapping[str, str] = os.environ) -> Mapping[str, Any]:
    """Settings as an engine's option gave them: an object, or the path of a JSON or YAML file. None:
    those of the environment variable, likewise, or none at all. Raises InEngineSettingsError."""
    if told is None:
        told = environment.get(VARIABLE) or {}
        if isinstance(told, str) and told.lstrip().startswith("{"):
            told = _parsed(told, VARIABLE, is_yaml=False)
    if isinstance(told, str):
        told = _read(Path(told))
    if not isinstance(told, Mapping):
        raise InEngineSettingsError(
            f'evenhand: the settings are to be an object, as {{"policy": "vtc"}}, or the path of a file'
            f" with one, not {told!r}."
        )
    return told


def secret_of(reference: str, environment: Mapping[str, str] = os.environ) -> bytes:
    """The secret that `env:NAME` or `file:PATH` names. Raises InEngineSettingsError, without it."""
    kind, _, where = reference.partition(":")
    if kind == "env" and where:
        secret = environment.get(where, "")
        if not secret:
            raise InEngineSettingsError(
                f"evenhand: {reference} is not set. Set it to the secret that the gateway seals with."
            )
    elif kind == "file" and where:
        secret = _text(Path(where)).strip()
    else:
        raise InEngineSettingsError(
            "evenhand: hints_secret is to name a secret, as env:NAME or file:/PATH, never to be one."
        )
    if len(secret) < SECRET_CHARACTERS_MIN:
        raise InEngineSettingsError(
            f"evenhand: the secret at {reference} has {len(secret)} characters; give it"
            f" {SECRET_CHARACTERS_MIN} at least, for example of `openssl rand -hex 32`."
        )
    return secret.encode()


SECRET_CHARACTERS_MIN = 16


def _read(path: Path) -> Any:
    return _parsed(_text(path), str(path), is_yaml=path.suffix in (".yaml", ".yml"))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise InEngineSettingsError(f"evenhand: {path} is larger than {_BYTES_MAX} bytes.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InEngineSettingsError(f"evenhand: {path} cannot be read: {error}.") from error


def _parsed(text: str, where: str, *, is_yaml: bool) -> Any:
    try:
        if is_yaml:
            import yaml  # noqa: PLC0415 - engines import this module, and few need it

            return yaml.safe_load(text)
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InEngineSettingsError(f"evenhand: {where} is no JSON: {error}.") from error
    except Exception as error:  # yaml has errors of its own
        raise InEngineSettingsError(f"evenhand: {where} cannot be read: {error}.") from error
