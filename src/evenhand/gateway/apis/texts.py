"""All that a model wrote, found in a whole answer: counted where an engine gives no figure."""

from collections.abc import Iterator, Mapping
from typing import Any

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


def completion_texts(document: Mapping[str, Any]) -> Iterator[str]:
    """Of all choices of a completion."""
    for choice in objects(document.get("choices")):
        message = choice.get("message")
        said = [choice.get("text")]
        if isinstance(message, dict):
            said += [message.get(name) for name in _TEXTS]
            for tool_call in objects(message.get("tool_calls")):
                function = tool_call.get("function")
                said.append(function.get("arguments") if isinstance(function, dict) else None)
        yield from strings(said)


def response_texts(document: Mapping[str, Any]) -> Iterator[str]:
    """Of all items of a response."""
    for item in objects(document.get("output")):
        yield from strings([item.get("arguments"), item.get("input")])
        for name in ("content", "summary"):
            for part in objects(item.get(name)):
                yield from strings([part.get("text"), part.get("refusal")])


def message_texts(document: Mapping[str, Any]) -> Iterator[str]:
    """Of all blocks of a message; of calls of tools, what can be counted without writing JSON."""
    for block in objects(document.get("content")):
        yield from strings([block.get("text"), block.get("thinking")])
        inner = block.get("input")
        if isinstance(inner, dict):
            yield from strings([*inner.keys(), *inner.values()])


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def strings(values: list[Any]) -> list[str]:
    """Those of them that are text."""
    return [text for text in values if isinstance(text, str)]
