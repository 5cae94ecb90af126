"""Secrets by reference: the file names where one is, only `resolve` reads it."""

import hashlib
import hmac
import os
import re
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, NoReturn

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from evenhand.cli.config.problem import ConfigurationError, Finding, Lines, Place, written

if TYPE_CHECKING:
    from evenhand.cli.config.schema import Config

SECRET_CHARACTERS_MIN = 16
SECRET_CHARACTERS_MAX = 1024
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_FILE_PATH = re.compile(r"/[^\x00-\x1f\x7f]{1,4095}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_FORM = (
    "must be a reference, never the secret itself: put it into an environment variable and write"
    " env:NAME, or into a file and write file:/absolute/path"
)


class Secret:
    """A text that shows itself only to `reveal`. Compared in constant time."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment] # a hash would tell equal secrets apart in logs

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Hand it to what needs it; never log, print or store it."""
        return self._value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __repr__(self) -> str:
        return "Secret(****)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled or copied: pass the object itself on")


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is: `source` is "env" or "file", `name` the variable or absolute path. Of keys that
    are not in the file `source` is "state", `name` the key's id, and the secret is nowhere."""

    source: str
    name: str

    def __str__(self) -> str:
        return f"{self.source}:{self.name}"


def parse_reference(text: object) -> SecretReference:
    """Read `env:NAME` or `file:/PATH`; what was read already stays. Raises ValueError that does not
    repeat the text, because it may be the secret."""
    if isinstance(text, SecretReference):
        return text
    source, _, name = text.partition(":") if isinstance(text, str) else ("", "", "")
    if source == "env":
        if not _ENV_NAME.fullmatch(name):
            raise ValueError(f"{_FORM}; NAME holds letters, digits and _")
    elif source == "file":
        if not _FILE_PATH.fullmatch(name):
            raise ValueError(f"{_FORM}; the path begins with /")
    else:
        raise ValueError(_FORM)
    return SecretReference(source, name)


Reference = Annotated[
    SecretReference,
    PlainValidator(parse_reference),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:/.+)$",
            "x-expects": "env:NAME or file:/PATH",
        }
    ),
]


@dataclass(frozen=True, slots=True)
class ResolvedSecrets:
    """The secrets of one configuration. `keys` is in the order of `config.keys`; `engines` holds
    the api keys by engine name, for the engines that have one, `hints` what seals hints for them.
    `admins` is in the order of `config.admin.credentials`, `traces` by the names of its headers."""

    keys: tuple[Secret, ...]
    admin: Secret | None
    engines: Mapping[str, Secret]
    hints: Mapping[str, Secret] = field(default_factory=dict)
    admins: tuple[Secret, ...] = ()
    traces: Mapping[str, Secret] = field(default_factory=dict)


def resolve(
    config: "Config", environ: Mapping[str, str], lines: Lines | None = None
) -> ResolvedSecrets:
    """Read every secret that `config` refers to, from `environ` and from files.

    Raises `ConfigurationError` with one problem per secret that is missing, unfit, or the same as
    another key's; `lines` (of `read`) gives the problems their lines.
    """
    found: dict[Place, Secret] = {}
    findings: list[Finding] = []
    for place, reference, whose in _references(config):
        try:
            found[place] = _read(reference, environ, whose)
        except ValueError as error:
            findings.append((place, f"{reference} {error}"))
    findings += _repeated(found)
    if findings:
        raise ConfigurationError((lines or Lines()).problems(findings))
    return ResolvedSecrets(
        keys=tuple(found["keys", index, "key"] for index in range(len(config.keys))),
        admin=found.get(("admin", "credential")),
        engines=_of_engines(config, found, "api_key"),
        hints=_of_engines(config, found, "hints_secret"),
        admins=tuple(
            found["admin", "credentials", index, "credential"]
            for index in range(len(config.admin.credentials))
        ),
        traces={
            name: found["traces", "headers", name]
            for name in (config.traces.headers if config.traces else ())
        },
    )


def _of_engines(config: "Config", found: Mapping[Place, Secret], member: str) -> dict[str, Secret]:
    return {
        engine.name: found["engines", index, member]
        for index, engine in enumerate(config.engines)
        if ("engines", index, member) in found
    }


def resolve_admin(
    config: "Config", environ: Mapping[str, str], lines: Lines | None = None
) -> Secret | None:
    """Read one credential alone, for a command that only asks the admin listener: the owner's, else the
    first that is named. Raises `ConfigurationError` like `resolve`; None: there is none."""
    reference = config.admin.credential
    place: Place = ("admin", "credential")
    if reference is None and config.admin.credentials:
        reference = config.admin.credentials[0].credential
        place = ("admin", "credentials", 0, "credential")
    if reference is None:
        return None
    try:
        return _read(reference, environ, None)
    except ValueError as error:
        finding = (place, f"{reference} {error}")
        raise ConfigurationError((lines or Lines()).problems([finding])) from None


def _references(config: "Config") -> Iterator[tuple[Place, SecretReference, str | None]]:
    """Place, reference, and whose the secret is, unless it is ours to choose."""
    if config.admin.credential:
        yield ("admin", "credential"), config.admin.credential, None
    for index, admin in enumerate(config.admin.credentials):
        yield ("admin", "credentials", index, "credential"), admin.credential, None
    for index, engine in enumerate(config.engines):
        if engine.kind != "embedded" and engine.api_key:
            yield ("engines", index, "api_key"), engine.api_key, "engine's key"
        if engine.kind != "embedded" and engine.hints_secret:
            yield ("engines", index, "hints_secret"), engine.hints_secret, None
    for name, value in config.traces.headers.items() if config.traces else ():
        yield ("traces", "headers", name), value, "collector's value"
    for index, key in enumerate(config.keys):
        yield ("keys", index, "key"), key.key, None


def _read(reference: SecretReference, environ: Mapping[str, str], whose: str | None) -> Secret:
    """`whose` None: it is ours to choose."""
    is_ours = whose is None
    value: str | None
    if reference.source == "env":
        value = environ.get(reference.name)
        to = f"export {reference.name}="
        fix = f"{to}$(openssl rand -hex 24)" if is_ours else f"{to}... (the {whose})"
    else:
        path = shlex.quote(reference.name)
        value = _read_file(reference.name)
        fix = f"(umask 077; openssl rand -hex 24 > {path})" if is_ours else f"fill {path}"
    if not value:
        raise ValueError(f"is not set: {fix}")
    if not _VISIBLE.fullmatch(value):
        raise ValueError(f"has characters that are not visible ASCII (spaces too): {fix}")
    if is_ours and len(value) < SECRET_CHARACTERS_MIN:
        raise ValueError(f"is shorter than {SECRET_CHARACTERS_MIN} characters: {fix}")
    if len(value) > SECRET_CHARACTERS_MAX:
        raise ValueError(f"is longer than {SECRET_CHARACTERS_MAX} characters: {fix}")
    return Secret(value)


def _read_file(path: str) -> str | None:
    """The text of a secret's file less one line end; None where there is no such file."""
    try:
        # Non-blocking: opening a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - by descriptor, so that what is checked is what is read
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ValueError("is not a regular file: name a file that holds the secret")
            if status.st_mode & 0o022:
                fix = f"chmod go-w {shlex.quote(path)}"
                raise ValueError(f"can be written by others: {fix}")
            data = file.read(SECRET_CHARACTERS_MAX + 3)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}): check owner and mode") from None
    return data.decode("latin-1").removesuffix("\n").removesuffix("\r")


def _repeated(found: Mapping[Place, Secret]) -> list[Finding]:
    first: dict[bytes, Place] = {}
    findings: list[Finding] = []
    for place, secret in found.items():
        if place[0] in ("engines", "traces"):
            continue
        digest = hashlib.sha256(secret.reveal().encode()).digest()
        if digest in first:
            other = first[digest]
            whose = (
                "the admin credential" if other == ("admin", "credential") else written(other[:-1])
            )
            findings.append((place, f"has the same secret as {whose}: give each its own"))
        first.setdefault(digest, place)
    return findings
