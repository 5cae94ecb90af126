"""A key that is asked for on the command line: the rules and words are those for keys in the file."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from evenhand.cli.config.checks import key_problems
from evenhand.cli.config.explain import explained
from evenhand.cli.config.keys import Key
from evenhand.cli.config.problem import ConfigurationError, Finding, Place, Problem
from evenhand.cli.config.schema import Config
from evenhand.cli.config.secrets import SecretReference

_ARGUMENTS = {"tenant": "TENANT", "models": "--model"}


def option_of(place: Place) -> str:
    """How the command line calls a member of a key."""
    name = next((str(step) for step in place if step != "limits"), "")
    return _ARGUMENTS.get(name, "--" + name.replace("_", "-"))


def asked_key(
    config: Config,
    key_id: str,
    values: Mapping[str, Any],
    called: Callable[[Place], str] = option_of,
) -> Key:
    """The key with those values, as the file would have them. Raises ConfigurationError with every
    problem; its place is told as its asker calls it."""
    item = {"key": SecretReference("state", key_id), **values}
    try:
        key = Key.model_validate(item)
    except ValidationError as error:
        details = error.errors(include_url=False)
        for detail in details:
            detail["loc"] = ("keys", 0, *detail["loc"])
        _raise(explained(details, {"keys": [item]}), called)
    _raise(key_problems(config, [key]), called)
    return key


def _raise(findings: Iterable[Finding], called: Callable[[Place], str]) -> None:
    problems = [Problem(None, called(place[2:]), message) for place, message in findings]
    if problems:
        raise ConfigurationError(problems)
