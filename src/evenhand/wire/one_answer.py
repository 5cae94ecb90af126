"""What the bodies of `/v1/responses` and `/v1/messages` have in common: one answer each, whose length
has one name, and text with pictures in it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from evenhand.wire.body_problem import BodyProblem
from evenhand.wire.completion import CHOICES

_LIMITS: Final = ("max_output_tokens", "max_tokens", "max_completion_tokens", "n_predict")

READ_ALIKE: Final = frozenset({"model", "stream", *CHOICES, *_LIMITS})
"""Members that are read in both, whatever is allowed in them."""


def one_answer_problem(document: Mapping[str, Any], *, limit: str) -> BodyProblem | None:
    """What is wrong with the counts of a body, or with `stream`. Some engines heed another API's names
    for them, so these are refused: what is not counted must not be asked for."""
    for name in _LIMITS:
        if name != limit and document.get(name) is not None:
            return BodyProblem(f"Name {limit} instead: {name} is of another API.", name)
    for name in CHOICES:
        value = document.get(name)
        if value is not None and (type(value) is not int or value != 1):
            return BodyProblem(f"One request is one answer here: leave {name} out.", name)
    value = document.get(limit)
    if value is not None and (type(value) is not int or value < 1):
        return BodyProblem(f"{limit} must be a whole number of at least 1.", limit)
    if document.get("stream") not in (None, True, False) or type(document.get("stream")) is int:
        return BodyProblem("stream must be true or false.", "stream")
    return None


def no_text_bytes(items: object) -> int:
    """Bytes of images, files and sound among items with content: they become few tokens, if any."""
    return sum(len(data) for part in _parts(items) for data in _data_of(part))


def _parts(items: object) -> Iterator[Mapping[str, Any]]:
    """The parts of all contents, and those of results of tools inside them."""
    for item in _objects(items):
        for name in ("content", "output"):
            for part in _objects(item.get(name)):
                yield part
                yield from _objects(part.get("content"))


def _data_of(part: Mapping[str, Any]) -> Iterable[str]:
    source = part.get("source")
    said = [part.get(name) for name in ("image_url", "file_data")]
    if isinstance(source, dict) and source.get("type") in ("base64", "url"):
        said += [source.get("data"), source.get("url")]
    audio = part.get("input_audio")
    said.append(audio.get("data") if isinstance(audio, dict) else None)
    return [text for text in said if isinstance(text, str)]


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
