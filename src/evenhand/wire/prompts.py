"""One prompt or many, as text or as token ids: OpenAI's four ways to write them."""

from dataclasses import dataclass

from evenhand.wire.body_problem import BodyProblem


@dataclass(slots=True)
class Prompts:
    """How many there are, and their `tokens` in all if they are given as token ids. Never changed."""

    count: int
    tokens: int | None = None


ONE_TEXT = Prompts(1)
"""What is there where nothing says otherwise."""


def read_prompts(name: str, value: object) -> Prompts | BodyProblem:
    """The prompts of the member `name`; whatever is no list counts as one text."""
    if not isinstance(value, list):
        return ONE_TEXT
    if not value:
        return BodyProblem(f"{name} must not be an empty list.", name)
    if all(type(item) is int for item in value):
        return Prompts(1, len(value))
    if all(isinstance(item, list) and all(type(t) is int for t in item) for item in value):
        return Prompts(len(value), sum(len(item) for item in value))
    if all(isinstance(item, str) for item in value):
        return Prompts(len(value))
    message = f"{name} must be a string, a list of strings, of token ids, or of lists of token ids."
    return BodyProblem(message, name)
