"""What the file refers to outside itself: secrets, certificates, models, tokenizers, packages."""

import importlib.util
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from evenhand.cli.config.engines import EmbeddedEngine, UrlEngine
from evenhand.cli.config.load import Loaded
from evenhand.cli.config.problem import ConfigurationError, Finding, Place, Problem
from evenhand.cli.config.secrets import ResolvedSecrets, resolve
from evenhand.cli.config.tls import Tls
from evenhand.gateway.tls import PairError, TlsFiles, load_pair
from evenhand.gateway.tokens.key_set import KeySetError, read_key_set
from evenhand.gateway.tokens.key_source import FileSource, NoKeysError


def look_outside(loaded: Loaded, environ: Mapping[str, str]) -> ResolvedSecrets:
    """Read the secrets and find the files. Raises ConfigurationError with all that is missing."""
    findings = [
        *_missing_models(loaded),
        *_missing_packages(loaded),
        *_no_tokenizers(loaded),
        *_no_issuers_keys(loaded),
        *_unfit_certificates(loaded),
    ]
    problems: list[Problem] = loaded.lines.problems(findings)
    try:
        secrets = resolve(loaded.config, environ, loaded.lines)
    except ConfigurationError as error:
        raise ConfigurationError([*problems, *error.problems]) from None
    if problems:
        raise ConfigurationError(problems)
    return secrets


def _missing_models(loaded: Loaded) -> list[Finding]:
    return [
        (
            ("engines", index, "model_file"),
            "there is no such file: name a GGUF file, or leave it out",
        )
        for index, engine in enumerate(loaded.config.engines)
        if isinstance(engine, EmbeddedEngine)
        and engine.model_file is not None
        and not Path(engine.model_file).is_file()
    ]


def _missing_packages(loaded: Loaded) -> Iterator[Finding]:
    if loaded.config.traces is not None and not _has_messages():
        yield ("traces",), "needs packages that are not installed: pip install 'evenhand[otel]'"
    for index, engine in enumerate(loaded.config.engines):
        if not isinstance(engine, UrlEngine):
            continue
        wanted = (
            ("kv_events", engine.kv_events, ("zmq", "msgspec"), "evenhand[kv-events]"),
            ("tokenizer", engine.tokenizer, ("tokenizers", "jinja2"), "evenhand[tokenizers]"),
        )
        for key, value, modules, extra in wanted:
            if value is not None and not all(map(importlib.util.find_spec, modules)):
                message = f"needs packages that are not installed: pip install '{extra}'"
                yield ("engines", index, key), message


def _has_messages() -> bool:
    """Of OpenTelemetry, whose name alone may be there without them."""
    try:
        return importlib.util.find_spec("opentelemetry.proto") is not None
    except ModuleNotFoundError:
        return False


def _no_tokenizers(loaded: Loaded) -> Iterator[Finding]:
    for index, engine in enumerate(loaded.config.engines):
        if not isinstance(engine, UrlEngine) or engine.tokenizer is None:
            continue
        file = Path(engine.tokenizer)
        file = file / "tokenizer.json" if file.is_dir() else file
        if not file.is_file():
            message = f"there is no file {file}: name the model's folder, or its tokenizer.json"
            yield ("engines", index, "tokenizer"), message
        if engine.chat_template is not None and not Path(engine.chat_template).is_file():
            yield (
                ("engines", index, "chat_template"),
                "there is no such file: name the chat template's",
            )


def _no_issuers_keys(loaded: Loaded) -> Iterator[Finding]:
    """Only files are looked at: a provider that is away must not keep a gateway from its start."""
    issuers = loaded.config.identity.jwt
    if issuers and not all(map(importlib.util.find_spec, ("jwt", "cryptography"))):
        yield (
            ("identity", "jwt"),
            "needs packages that are not installed: pip install 'evenhand[jwt]'",
        )
        return
    for index, issuer in enumerate(issuers):
        if issuer.jwks_file is None:
            continue
        try:
            read_key_set(FileSource(issuer.jwks_file).read_now())
        except (NoKeysError, KeySetError) as error:
            yield ("identity", "jwt", index, "jwks_file"), f"{error}: name a JWKS file"


def _unfit_certificates(loaded: Loaded) -> Iterator[Finding]:
    config = loaded.config
    sections: tuple[tuple[Place, Tls | None], ...] = (
        (("tls",), config.tls),
        (("admin", "tls"), config.admin.tls),
    )
    for place, tls in sections:
        if tls is None:
            continue
        try:
            load_pair(TlsFiles(tls.certificate, tls.key), time.time())
        except PairError as error:
            for fault in error.faults:
                yield (*place, fault.part), fault.message
