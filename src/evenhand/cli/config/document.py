"""A YAML text as plain data, with the line of every key and item.

Built from the parser's events, not by PyYAML's constructors: no tag can create an object, nothing
is an alias of something larger, and a duplicate key is seen. Plain scalars follow YAML 1.2, a
subset of what PyYAML writes unquoted, so `no` is a text and `1:30` is not 5400.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from evenhand.cli.config.problem import (
    ConfigurationError,
    Lines,
    Place,
    Problem,
    written,
)

DEPTH_MAX = 32
"""Levels of nesting that are read; the deepest legal tenant lies at 18."""

VALUES_MAX = 500_000
"""Values that are read, lists and mappings included: 100000 tenants with name and weight and more,
and few enough that a file of nonsense is explained in seconds."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,1000})")
_FLOAT = re.compile(r"[-+]?[0-9]{1,100}\.[0-9]{0,100}")
_WORDS = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
}
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says. `problems` are faults of the YAML itself that reading could pass over;
    what stood at the `unread` places is None in `data`."""

    data: object
    lines: Lines
    problems: tuple[Problem, ...]
    unread: frozenset[Place]


def parse(text: str) -> Document:
    """Read one YAML document. Raises `ConfigurationError` where the text cannot be read at all."""
    bad = _UNPRINTABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        message = f"a character (U+{ord(bad.group()):04X}) that YAML does not allow: remove it"
        raise ConfigurationError([Problem(line, "", message)])
    try:
        return _Builder(yaml.parse(text, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError([_syntax_problem(error, text)]) from None
    except yaml.YAMLError:
        raise ConfigurationError([Problem(None, "", "not valid YAML: check the quotes")]) from None


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(None, "", f"not valid YAML: {error.problem}")
    lines = text.splitlines()
    faulty = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in faulty[: len(faulty) - len(faulty.lstrip())]:
        return Problem(mark.line + 1, "", "YAML is indented with spaces: replace the tab")
    message = (
        f"not valid YAML ({error.problem}): check the indentation, colons, brackets and quotes"
        " here and in the line above"
    )
    return Problem(mark.line + 1, "", message)


class _Builder:
    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._lines: dict[Place, int] = {}
        self._problems: list[Problem] = []
        self._unread: set[Place] = set()

    def document(self) -> Document:
        data: object = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    line = _line(event)
                    message = "a second document begins here: keep one, and remove the `---`"
                    raise ConfigurationError([Problem(line, "", message)])
                data = self._value(next(self._events), ())
        lines = Lines(self._lines)
        return Document(data, lines, tuple(self._problems), frozenset(self._unread))

    def _value(self, event: yaml.Event, place: Place) -> object:
        line = _line(event)
        self._lines.setdefault(place, line)
        if len(self._lines) > VALUES_MAX:
            message = f"more than {VALUES_MAX} values in the file: shorten it"
            raise ConfigurationError([Problem(line, "", message)])
        if isinstance(event, yaml.AliasEvent):
            self._complain(line, place, "aliases (*name) are not read: write the value out here")
            self._unread.add(place)
            return None
        if len(place) > DEPTH_MAX:
            message = f"nested deeper than {DEPTH_MAX} levels: check the indentation"
            raise ConfigurationError([Problem(line, written(place), message)])
        if getattr(event, "tag", None) is not None:
            self._complain(line, place, "tags (!name) are not read: remove it")
        if getattr(event, "anchor", None) is not None:
            self._complain(line, place, "anchors (&name) are not read: remove it")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(place)
        assert isinstance(event, yaml.MappingStartEvent), event
        return self._mapping(place)

    def _complain(self, line: int, place: Place, message: str) -> None:
        self._problems.append(Problem(line, written(place), message))

    def _sequence(self, place: Place) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*place, len(items))))
        return items

    def _mapping(self, place: Place) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                self._complain(line, place, "a key must be one word: write `key: value`")
                self._skip(event)
                self._skip(next(self._events))
                continue
            key: str = event.value
            below = (*place, key)
            if key in mapping:
                first = self._lines[below]
                self._complain(line, below, f"stands in line {first} already: keep one of the two")
                self._skip(next(self._events))
                continue
            self._lines[below] = line
            mapping[key] = self._value(next(self._events), below)
        return mapping

    def _skip(self, event: yaml.Event) -> None:
        """Pass over the value that `event` begins."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            event = next(self._events)


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    assert mark is not None, "the parser marks every event"
    return mark.line + 1


def _scalar(event: yaml.ScalarEvent) -> object:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
