"""A body that asks for embeddings, read as a completion of which only the prompts are computed."""

from collections.abc import Mapping
from typing import Any

from evenhand.wire.api_name import ApiName
from evenhand.wire.body_problem import BodyProblem, body_problem
from evenhand.wire.completion import CHOICES, Completion
from evenhand.wire.members import Members
from evenhand.wire.prompts import read_prompts

_OUT_OF_PLACE = ("messages", *CHOICES)
"""vLLM embeds `messages` instead of `input`; the others would ask for more than was counted."""

_INPUT = frozenset({"input"})
_READ_HERE = frozenset({"model", "input", "stream", *_OUT_OF_PLACE})


def read_embedding(document: Mapping[str, Any], members: Members) -> Completion | BodyProblem:
    """The facts of a parsed body, or the first problem found. `prompts` is how many inputs it has."""
    problem = body_problem(document, members, read_here=_READ_HERE) or _problem(document)
    if problem is not None:
        return problem
    inputs = read_prompts("input", document["input"])
    if isinstance(inputs, BodyProblem):
        return inputs
    return Completion(
        model=document["model"],
        is_stream=False,
        stream_options={},
        prompt_bytes=members.value_bytes(_INPUT),
        prompt_tokens=inputs.tokens,
        output_tokens_max=0,
        prompts=inputs.count,
        choices=1,
        is_embedding=True,
        api=ApiName.EMBEDDINGS,
    )


def _problem(document: Mapping[str, Any]) -> BodyProblem | None:
    if document.get("stream"):
        return BodyProblem("Embeddings are not streamed: leave stream out.", "stream")
    for name in _OUT_OF_PLACE:
        if document.get(name) is not None:
            return BodyProblem(f"Embeddings are of input alone: leave {name} out.", name)
    value = document.get("input")
    if not isinstance(value, str | list):
        message = "Send input: a string, a list of strings, of token ids, or of lists of token ids."
        return BodyProblem(message, "input")
    if not value or (isinstance(value, list) and any(item in ("", []) for item in value)):
        return BodyProblem("input must not be empty, nor any one of several inputs.", "input")
    return None
