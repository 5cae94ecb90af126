"""What the file refers to outside itself: secrets, and the models of embedded engines."""

from collections.abc import Mapping
from pathlib import Path

from evenhand.cli.config.engines import EmbeddedEngine
from evenhand.cli.config.load import Loaded
from evenhand.cli.config.problem import ConfigurationError, Finding, Problem
from evenhand.cli.config.secrets import ResolvedSecrets, resolve


def look_outside(loaded: Loaded, environ: Mapping[str, str]) -> ResolvedSecrets:
    """Read the secrets and find the files. Raises ConfigurationError with all that is missing."""
    problems: list[Problem] = loaded.lines.problems(_missing_models(loaded))
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
