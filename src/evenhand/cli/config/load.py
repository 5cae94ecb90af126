"""From a file to a validated `Config`, or to everything that is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from pydantic import ValidationError

from evenhand.cli.config.asked_policy import NOT_ASKED, AskedPolicy
from evenhand.cli.config.checks import cross_checked, policy_problems
from evenhand.cli.config.document import Document, parse
from evenhand.cli.config.explain import explained
from evenhand.cli.config.policy import Policy
from evenhand.cli.config.policy_choice import completed
from evenhand.cli.config.problem import ConfigurationError, Finding, Lines, Problem
from evenhand.cli.config.schema import Config

FILE_BYTES_MAX = 4 * 2**20
PROBLEMS_MAX = 200
"""Problems explained at a time; hints take time to find, and nobody reads more."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration, and where its parts stand in the file."""

    config: Config
    lines: Lines


def load(file: Path) -> Config:
    """Read and validate `file`. Raises `ConfigurationError` with every problem found. Secrets are
    not read; that is `resolve`'s part."""
    return read(file).config


def read(file: Path, asked: AskedPolicy = NOT_ASKED) -> Loaded:
    """Like `load`, with the lines, for problems that are found later. What `asked` says of the policy
    stands instead of what the file does."""
    document = parse(text_of(file))
    if document.data is None:
        fix = "the file is empty: `evenhand init` writes one to start from"
        raise ConfigurationError([Problem(None, "", fix)])
    if not isinstance(document.data, dict):
        fix = "the file must be a mapping of sections, such as `engines:` and `keys:`"
        raise ConfigurationError([Problem(1, "", fix)])
    return Loaded(_validated(document, asked.over(document.data), asked), document.lines)


def asked_alone(asked: AskedPolicy) -> Policy:
    """The policy of a command line with no file beneath it, every value written out. Raises
    `ConfigurationError`."""
    data = asked.over({})
    try:
        config = Config.model_validate(data)
        findings = policy_problems(config)
    except ValidationError as error:
        findings = explained(error.errors(include_url=False), data)
    problems = asked.problems(Lines(), findings)
    if problems:
        raise ConfigurationError(problems)
    return completed(config.policy)


def text_of(file: Path) -> str:
    """All of a file of text. Raises `ConfigurationError`."""
    try:
        with file.open("rb") as stream:
            data = stream.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        message = "there is no such file: check the path, or write one with `evenhand init`"
        raise ConfigurationError([Problem(None, "", message)]) from None
    except OSError as error:
        message = f"cannot be read ({error.strerror}): check the path and its permissions"
        raise ConfigurationError([Problem(None, "", message)]) from None
    if len(data) > FILE_BYTES_MAX:
        message = f"larger than {FILE_BYTES_MAX} bytes: shorten it"
        raise ConfigurationError([Problem(None, "", message)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = "not UTF-8 text: save the file as UTF-8"
        raise ConfigurationError([Problem(line, "", message)]) from None


def _validated(document: Document, data: dict[str, object], asked: AskedPolicy) -> Config:
    findings: Iterator[Finding] = iter(())
    unsound: frozenset[str] = frozenset()
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        findings = explained(details, data)
        unsound = frozenset(str(detail["loc"][0]) for detail in details)
        # Every section has a default, so what remains is valid and can be cross-checked.
        sound = {key: value for key, value in data.items() if key not in unsound}
        config = Config.model_validate(sound)
    findings = chain(findings, cross_checked(config, unsound))
    wanted = (finding for finding in findings if finding[0] not in document.unread)
    found = asked.problems(document.lines, islice(wanted, PROBLEMS_MAX + 1))
    problems = [*document.problems, *found]
    if len(problems) > PROBLEMS_MAX:
        more = Problem(None, "", f"more than {PROBLEMS_MAX} problems: correct these first")
        problems = [*problems[:PROBLEMS_MAX], more]
    if problems:
        raise ConfigurationError(problems)
    return config.model_copy(update={"policy": completed(config.policy)})
