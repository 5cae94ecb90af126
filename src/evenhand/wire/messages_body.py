"""A body sent to Anthropic's `/v1/messages`, read as a completion."""

from collections.abc import Mapping
from typing import Any, Final

from evenhand.wire.api_name import ApiName
from evenhand.wire.body_problem import BodyProblem, body_problem
from evenhand.wire.completion import Completion
from evenhand.wire.members import Members
from evenhand.wire.one_answer import READ_ALIKE, no_text_bytes, one_answer_problem

_PROMPT_MEMBERS: Final = frozenset(
    {"messages", "system", "tools", "output_config", "chat_template_kwargs"}
)
_OUT_OF_PLACE: Final = ("prompt", "input", "suffix", "functions", "mcp_servers", "container")
"""Of other APIs, or for what would run at the engine, past all limits."""
_READ_HERE: Final = READ_ALIKE | _PROMPT_MEMBERS | {*_OUT_OF_PLACE}


def read_message(document: Mapping[str, Any], members: Members) -> Completion | BodyProblem:
    """The facts of a parsed body, or the first problem found."""
    problem = (
        body_problem(document, members, read_here=_READ_HERE)
        or one_answer_problem(document, limit="max_tokens")
        or _problem(document)
    )
    if problem is not None:
        return problem
    no_text = no_text_bytes(document["messages"])
    return Completion(
        model=document["model"],
        is_stream=document.get("stream") is True,
        stream_options={},
        prompt_bytes=max(0, members.value_bytes(_PROMPT_MEMBERS) - no_text),
        prompt_tokens=None,
        output_tokens_max=document["max_tokens"],
        prompts=1,
        choices=1,
        api=ApiName.MESSAGES,
    )


def read_counted(document: Mapping[str, Any], members: Members) -> Completion | BodyProblem:
    """The same of a body whose prompt is only to be counted: it asks for nothing else."""
    return read_message({**document, "max_tokens": 1, "stream": False}, members)


def _problem(document: Mapping[str, Any]) -> BodyProblem | None:
    if document.get("max_tokens") is None:
        return BodyProblem("Name max_tokens: this API requires it.", "max_tokens")
    messages = document.get("messages")
    if not isinstance(messages, list) or not all(isinstance(item, dict) for item in messages):
        return BodyProblem("messages must be a list of objects with role and content.", "messages")
    if not messages:
        return BodyProblem("messages must not be empty.", "messages")
    for name in _OUT_OF_PLACE:
        if document.get(name):
            return BodyProblem(f"{name} is not served here: leave it out.", name)
    return None
